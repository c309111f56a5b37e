"""A strict reader of Fuchsia traces (fxt), written from docs/reference/tracing/trace-format.md of Fuchsia.

Every reserved bit has to be zero, every reference has to name something, every size has to fit. What a viewer would
skip is an error here.
"""

import struct

MAGIC = 0x0016547846040010
EVENTS = {0: "instant", 1: "counter", 2: "begin", 3: "end", 4: "complete", 5: "async begin", 6: "async instant",
          7: "async end", 8: "flow begin", 9: "flow step", 10: "flow end"}


class Malformed(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Malformed(what)


def bits(word, low, high):
    return (word >> low) & ((1 << (high - low + 1)) - 1)


class Words:
    """The words of one record, read from its beginning."""

    def __init__(self, words):
        self.words, self.at = words, 0

    def next(self):
        require(self.at < len(self.words), "a record that is too short for what it says it holds")
        self.at += 1
        return self.words[self.at - 1]

    def stream(self, size):
        count = (size + 7) // 8
        require(self.at + count <= len(self.words), "a string that is longer than its record")
        data = struct.pack(f"<{count}Q", *self.words[self.at:self.at + count])
        self.at += count
        require(not any(data[size:]), "padding that is not zero")
        return data[:size]


class Reader:
    """Reads all of it: `records` is a list of dictionaries."""

    def __init__(self, data):
        require(len(data) % 8 == 0, "not whole words")
        words = struct.unpack(f"<{len(data) // 8}Q", data)
        require(words and words[0] == MAGIC, "no magic number")
        self.strings, self.threads, self.records = {}, {}, []
        self.providers, self.provider, self.ticks = {}, None, None
        at = 1
        while at < len(words):
            size = bits(words[at], 4, 15)
            require(size > 0 and at + size <= len(words), f"a record of {size} words at word {at}")
            self.record(words[at], Words(words[at + 1:at + size]))
            at += size

    def text(self, reference, words):
        if reference == 0:
            return ""
        if reference & 0x8000:
            return words.stream(reference & 0x7fff).decode("utf-8")
        require(reference in self.strings, f"string {reference} that is not there")
        return self.strings[reference]

    def thread(self, reference, words):
        if reference == 0:
            return words.next(), words.next()
        require(reference in self.threads, f"thread {reference} that is not there")
        return self.threads[reference]

    def arguments(self, count, words):
        found = {}
        for _ in range(count):
            begin = words.at
            header = words.next()
            kind, size = bits(header, 0, 3), bits(header, 4, 15)
            name = self.text(bits(header, 16, 31), words)
            require(name not in found, f"argument {name} twice")
            value = bits(header, 32, 63)
            if kind == 1:
                value -= (value & 0x80000000) << 1
            elif kind == 6:
                require(bits(header, 48, 63) == 0, "reserved bits of a string argument")
                value = self.text(bits(header, 32, 47), words)
            elif kind in (3, 4, 5, 7, 8):
                require(value == 0, "reserved bits of an argument")
                value = words.next()
            else:
                require(kind in (0, 2), f"an argument of type {kind}")
            require(words.at - begin == size, "an argument of another size than it says")
            found[name] = value
        return found

    def record(self, header, words):
        kind = bits(header, 0, 3)
        require(self.provider is not None or kind == 0, "a record before its provider")
        reader = {0: self.metadata, 1: self.initialization, 2: self.string, 3: self.thread_record, 4: self.event,
                  7: self.kernel_object, 8: self.scheduling}.get(kind)
        require(reader is not None, f"a record of type {kind}")
        reader(header, words)
        require(words.at == len(words.words), f"a record of type {kind} that is longer than what it holds")

    def metadata(self, header, words):
        kind, provider = bits(header, 16, 19), bits(header, 20, 51)
        require(kind in (1, 2), f"metadata of type {kind}")
        if kind == 1:
            require(bits(header, 60, 63) == 0, "reserved bits of a provider")
            self.providers[provider] = words.stream(bits(header, 52, 59)).decode("utf-8")
        else:
            require(bits(header, 52, 63) == 0, "reserved bits of a section")
            require(provider in self.providers, "a section of nobody")
        self.provider = provider

    def initialization(self, header, words):
        require(bits(header, 16, 63) == 0, "reserved bits of the initialization")
        self.ticks = words.next()

    def string(self, header, words):
        require(not bits(header, 31, 31) and not bits(header, 47, 63), "reserved bits of a string")
        index = bits(header, 16, 30)
        require(index != 0 and index not in self.strings, f"string {index} again")
        self.strings[index] = words.stream(bits(header, 32, 46)).decode("utf-8")

    def thread_record(self, header, words):
        require(bits(header, 24, 63) == 0, "reserved bits of a thread")
        index = bits(header, 16, 23)
        require(index != 0 and index not in self.threads, f"thread {index} again")
        self.threads[index] = words.next(), words.next()

    def event(self, header, words):
        kind = bits(header, 16, 19)
        require(kind in EVENTS, f"an event of type {kind}")
        found = {"record": EVENTS[kind], "time": words.next()}
        found["thread"] = self.thread(bits(header, 24, 31), words)
        found["category"] = self.text(bits(header, 32, 47), words)
        found["name"] = self.text(bits(header, 48, 63), words)
        found["arguments"] = self.arguments(bits(header, 20, 23), words)
        if kind in (1, 4, 5, 6, 7, 8, 9, 10):
            found["id"] = words.next()
        self.records.append(found)

    def kernel_object(self, header, words):
        require(bits(header, 44, 63) == 0, "reserved bits of a kernel object")
        found = {"record": "object", "type": bits(header, 16, 23), "koid": words.next()}
        found["name"] = self.text(bits(header, 24, 39), words)
        found["arguments"] = self.arguments(bits(header, 40, 43), words)
        self.records.append(found)

    def scheduling(self, header, words):
        kind = bits(header, 60, 63)
        require(kind in (1, 2), f"a scheduling record of type {kind}")
        found = {"record": "switch" if kind == 1 else "wake", "cpu": bits(header, 20, 35), "time": words.next()}
        if kind == 1:
            require(bits(header, 40, 59) == 0, "reserved bits of a context switch")
            found["state"] = bits(header, 36, 39)
            require(found["state"] in (0, 2, 3, 4, 5), f"a thread that leaves in state {found['state']}")
            found["from"], found["to"] = words.next(), words.next()
        else:
            require(bits(header, 36, 59) == 0, "reserved bits of a wake-up")
            found["thread"] = words.next()
        found["arguments"] = self.arguments(bits(header, 16, 19), words)
        self.records.append(found)
