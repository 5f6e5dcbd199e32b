"""Faults that a test has ordered (control.ts has the same fields), and counters of what was asked."""

import re
import threading


class Faults:
    def __init__(self):
        self._lock = threading.Lock()
        self._faults = []
        self._counters = {}

    def add(self, fault):
        entry = dict(fault)
        entry["pattern"] = re.compile(fault.get("match") or "")
        entry["left"] = fault.get("times")
        with self._lock:
            self._faults.append(entry)

    def clear(self):
        with self._lock:
            self._faults = []

    def take(self, method, path):
        """The oldest matching fault that is not used up, or an empty one."""
        with self._lock:
            for fault in self._faults:
                if fault["left"] == 0 or not fault["pattern"].search(f"{method} {path}"):
                    continue
                if fault["left"] is not None:
                    fault["left"] -= 1
                return fault
        return {}

    def count(self, route):
        with self._lock:
            self._counters[route] = self._counters.get(route, 0) + 1

    def counters(self):
        with self._lock:
            return dict(self._counters)
