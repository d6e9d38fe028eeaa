<%@ page contentType="text/plain" %><% for (int n = 0; n < 100; n++) out.println("hello"); %>
