"""Streams killed at any moment of their start, work or end, and what must hold of them afterwards."""

import json
import os
import random
import time

import numpy as np
import pytest
from stream_world import StreamWorld

from adcli.optimize.stream.state import live_policy_of

BLOCK = 16


class Client:
    """What sends lines and sends those again that were not acknowledged; `answers` by id, as they came first."""

    def __init__(self, commands, folder, lines):
        self._commands, self._folder = commands, folder
        self._lines = lines
        self.next = 0  # the first line without an answer to it or to a later one
        self.answers = {}
        self._pipes = [folder / "in", folder / "out"]
        for pipe in self._pipes:
            os.mkfifo(pipe)

    @property
    def is_done(self):
        return self.next >= len(self._lines)

    def live(self, draw):
        """Start the command, talk to it for a while, and kill it at some moment of its start, work or end."""
        arguments = ["optimize", "stream", "policy", "--state", "live", "-q"]
        running = self._commands.start(arguments, self._folder, os.environ, [*self._pipes, os.devnull])
        with self._pipes[0].open("wb", buffering=0) as sent, self._pipes[1].open("rb") as received:
            if draw.random() < 0.15:
                time.sleep(draw.uniform(0, 0.8))
            else:
                for _ in range(draw.randrange(1, 6)):
                    self._ask(sent, received)
                moment = draw.random()
                if moment < 0.7:
                    sent.write(b"".join(self._lines[self.next : self.next + BLOCK]))
                    time.sleep(draw.uniform(0, 0.003))
                elif moment < 0.9:
                    sent.close()
                    time.sleep(draw.uniform(0, 0.02))
            running.kill()

    def _ask(self, sent, received):
        block = self._lines[self.next : self.next + BLOCK]
        sent.write(b"".join(block))
        for number, line in enumerate(block, self.next + 1):
            if b"context" in line:
                answer = json.loads(received.readline())
                before = self.answers.setdefault(answer["id"], answer)
                assert answer == before  # an answer that is given again is the same
                self.next = number  # an answer acknowledges the lines before it


def lines_of(world, n):
    """Requests, and the rewards of those some time before; the last line is a request."""
    draw = np.random.default_rng(7)
    requests, _ = world.requests(n)
    lines = []
    for number, line in enumerate(requests):
        if number >= 30:
            lines.append(b'{"id":"r%d","reward":%d}\n' % (number - 30, draw.random() < 0.2))
        lines.append(line + b"\n")
    return lines


def kill_and_check(folder, commands, kills):
    """Kill a stream so often: no acknowledged reward is lost or counts twice, and all decisions are the same."""
    world = StreamWorld(8, items=5)
    world.save_policy(folder / "policy")
    draw = random.Random(11)
    lines = lines_of(world, 20 + 30 * kills)
    client = Client(commands, folder, lines)
    killed = 0
    while killed < kills and not client.is_done:
        client.live(draw)
        killed += 1
    done = commands.run(
        ["optimize", "stream", "policy", "--state", "live"],
        folder,
        os.environ,
        b"".join(lines[client.next :]),
    )
    told = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    client.answers |= told
    shown = json.loads(
        commands.run(["optimize", "stream", "--state", "live", "--show"], folder, os.environ).stdout
    )
    rewards = [json.loads(line)["reward"] for line in lines if b"reward" in line]
    reference = live_policy_of(folder / "live")
    expected = [json.loads(answer) for answer in reference.answer([line[:-1] for line in lines]).answers]
    assert [client.answers[answer["id"]] for answer in expected] == expected
    assert shown["decisions"] == len(expected)
    assert shown["rewards_counted"] == len(rewards)
    assert shown["mean_reward"] == pytest.approx(np.mean(rewards))
    print(f"{killed} kills, {len(expected):,} decisions, {len(rewards):,} rewards: none lost, none twice")
