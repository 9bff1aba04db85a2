"""The least that listens to supervisord's events: reads each and acknowledges it."""
import sys

while True:
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    words = dict(word.split(":") for word in sys.stdin.readline().split())
    sys.stdin.read(int(words["len"]))
    sys.stdout.write("RESULT 2\nOK")
    sys.stdout.flush()
