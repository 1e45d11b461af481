"""A hub of its own for a test: the real program, a fresh folder, a free port."""

import json
import os
import signal
import subprocess
import tempfile
import threading

READY_SECONDS_MAX = 60


class Hub:
    """Runs `yagura hub` while the `with` block lasts; `ready` is the line it prints when it serves."""

    def __init__(self, config=""):
        """`config` is the text of a configuration file."""
        self.config = config

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="yagura-hub-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        command = [os.environ["YAGURA_BIN"], "hub", "--json", "--listen", "127.0.0.1:0"]
        command += ["--data", os.path.join(self.folder.name, "data")]
        if self.config:
            path = os.path.join(self.folder.name, "hub.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.config)
            command += ["--config", path]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        overdue = threading.Timer(READY_SECONDS_MAX, self.process.kill)
        overdue.start()
        try:
            for line in self.process.stdout:
                event = json.loads(line)
                if event["event"] == "ready":
                    self.ready = event
                    return self
        finally:
            overdue.cancel()
        raise AssertionError("the hub did not become ready:\n" + self.__stop())

    def __exit__(self, *_):
        self.__stop()

    def __stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=READY_SECONDS_MAX)
        self.process.stdout.close()
        self.log.seek(0)
        log = self.log.read().decode(errors="replace")
        self.log.close()
        self.folder.cleanup()
        return log
