import time
from urllib.parse import parse_qs


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return ticks()
    if path == "/slow":
        time.sleep(int(parse_qs(environ["QUERY_STRING"])["ms"][0]) / 1000)
    body = b"hello\n" * 100
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def ticks():
    while True:
        yield b"tick\n"
        time.sleep(0.1)
