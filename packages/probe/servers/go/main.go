package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		w.Write([]byte("slow\n"))
	})
	http.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			w.Write([]byte("tick\n"))
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(strings.Repeat("hello\n", 100)))
	})

	// As the documentation of Server.Shutdown has it.
	server := http.Server{Addr: "127.0.0.1:" + os.Args[1]}
	idle := make(chan struct{})
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		if err := server.Shutdown(context.Background()); err != nil {
			log.Print(err)
		}
		close(idle)
	}()
	if err := serve(&server); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-idle
}

// With a certificate and its key behind the port it speaks TLS.
func serve(server *http.Server) error {
	if len(os.Args) > 3 {
		return server.ListenAndServeTLS(os.Args[2], os.Args[3])
	}
	return server.ListenAndServe()
}
