<%@ page contentType="text/plain" %><% for (;;) { out.println("tick"); out.flush(); Thread.sleep(100); } %>
