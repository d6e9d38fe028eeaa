"""One http.client connection, told by lines of JSON what to ask for. See python.ts."""

import http.client
import json
import ssl
import sys

scheme, host, port = sys.argv[1:]
if scheme == "https":
    connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=ssl._create_unverified_context())
else:
    connection = http.client.HTTPConnection(host, int(port), timeout=20)

for line in sys.stdin:
    order = json.loads(line)
    try:
        body = bytes(order["bytes"]) if order["method"] == "POST" else None
        connection.request(order["method"], order["path"], body=body)
        answer = connection.getresponse()
        text = answer.read().decode("latin-1")
        outcome = {"status": answer.status, "body": text, "closes": "close" in (answer.getheader("connection") or "").lower()}
    except OSError as error:
        connection.close()
        outcome = {"failed": type(error).__name__}
    except http.client.HTTPException as error:
        connection.close()
        outcome = {"failed": type(error).__name__}
    print(json.dumps(outcome), flush=True)
