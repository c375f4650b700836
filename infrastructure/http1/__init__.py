"""
HTTP/1.1 as a client speaks it (RFC 9112): connections, what is asked over them, and what is answered.

`pool` makes and keeps connections, `connection` carries one exchange after another over each, `exchange` lets
whoever asked wait for the answer, `answer` understands its bytes, and `request_head` writes those of a
request.
"""
