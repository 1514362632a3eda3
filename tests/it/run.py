#!/usr/bin/env python3
"""Runs the NN-what.py of a directory (its own), IT_JOBS (4) at a time, and counts.

usage: run.py [-C DIRECTORY] [PART-OF-FILE-NAME...]

A file prints `ok WHAT` or `FAIL WHAT` for each test; one that dies or takes too long is a
failure more. A line `note: ...` is shown. The log of a file is shown only when it failed.
"""
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
JOBS = int(os.environ.get("IT_JOBS", "4"))
LIMIT = 900 if os.environ.get("NEUROND_LONG") else 150


def run(path):
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=LIMIT)
        late = False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        said, _ = process.communicate()
        late = True
    text = said.decode("utf-8", "replace")
    passed = len(re.findall(r"^ok ", text, re.M))
    failed = len(re.findall(r"^FAIL ", text, re.M))
    if late:
        text += f"\nFAIL {path.name}: still running after {LIMIT} s\n"
        failed += 1
    elif process.returncode != 0 and not failed or not passed + failed:
        text += f"\nFAIL {path.name}: exit status {process.returncode}\n"
        failed += 1
    return path.name, passed, failed, time.monotonic() - began, text


def main():
    parts, directory = sys.argv[1:], HERE
    if parts[:1] == ["-C"]:
        directory, parts = pathlib.Path(parts[1]).resolve(), parts[2:]
    files = [f for f in sorted(directory.glob("[0-9][0-9]-*.py"))
             if not parts or any(part in f.name for part in parts)]
    binary = os.environ.get("NEUROND_BIN", "build/neurond")
    if not os.access(binary, os.X_OK):
        sys.exit(f"run.py: {binary} is not there: run make, or set NEUROND_BIN")
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, f) for f in files]):
            name, good, bad, seconds, text = done.result()
            passed, failed = passed + good, failed + bad
            print(f"{'FAIL' if bad else 'ok  '} {name}: {good} passed, {bad} failed"
                  f" ({seconds:.1f} s)", flush=True)
            if bad:
                print("".join(f"    {line}\n" for line in text.splitlines()), end="")
            for note in re.findall(r"^note: .*", text, re.M):
                print(note)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not files else 0)


if __name__ == "__main__":
    main()
