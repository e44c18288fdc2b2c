# SPDX-License-Identifier: BSD-3-Clause
"""vedette-drill: rehearses a fault under load, and reports what clients would have seen. See vedette-drill(1)."""

import argparse
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
if not os.path.exists(os.path.join(HERE, "harness.py")):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "live"))

try:
    import redis  # noqa: F401
except ImportError:
    sys.exit(
        f"vedette-drill: {sys.executable} has no module redis:"
        " install the package python3-redis, and use /usr/bin/python3"
    )

import phases  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
import verdict  # noqa: E402
from load import Load  # noqa: E402
from sets import Access, DrillError, LocalSet, RunningSet, name_of, wait_until  # noqa: E402

MET, MISSED, UNDONE = 0, 1, 2
SETTLE_S = 3  # a set that was just started may still be on its way


class Drill:
    """One run: steady load, the fault, load until all is whole again and for a while after."""

    def __init__(self, target, options, say):
        self.target = target
        self.options = options
        self.say = say
        self.away = options.away
        self.restart_after = options.restart_after / 1000
        self.primary = target.primary()
        self.replica_count = len(target.replicas())
        self.steps = []  # (time, what, how)
        self.fault_at = None
        self.phases_from = None  # what the failover is the answer to: the fault, or a later order
        self.switched_ms = None
        self.whole_ms = None

    # What scenarios use ---------------------------------------------------------

    def step(self, what, action):
        at = time.monotonic()
        how = action()
        self.steps.append((at, what, how or ""))
        since = f"{at - (self.fault_at or at):+8.2f} s"
        self.say(f"  {since}  {what}{': ' + how if how else ''}")

    def fault(self, what, action):
        self.fault_at = time.monotonic()
        self.order(what, action)

    def order(self, what, action):
        """A step that a failover answers."""
        self.phases_from = time.monotonic()
        self.step(what, action)

    def rest_until(self, seconds):
        """So long after the fault."""
        time.sleep(max(0, self.fault_at + seconds - time.monotonic()))

    def restart(self, address, is_sentinel=False):
        return self.target.restart(address, is_sentinel, self.restart_after)

    def wait_switch(self):
        begin = time.monotonic()
        old = self.primary
        wait_until(
            lambda: self.target.primary() != old, self.options.patience, f"another primary than {name_of(old)}"
        )
        self.primary = self.target.primary()
        self.switched_ms = 1000 * (time.monotonic() - self.phases_from)
        self.steps.append((time.monotonic(), f"{name_of(self.primary)} is the primary", ""))
        self.say(f"  {time.monotonic() - self.fault_at:+8.2f} s  {name_of(self.primary)} is the primary")
        return time.monotonic() - begin

    def wait_whole(self):
        wait_until(self.is_whole, self.options.patience, "all follow one primary, and all vedettes agree")

    def is_whole(self):
        return self.target.is_whole(self.replica_count, len(self.target.addresses))

    # The run --------------------------------------------------------------------

    def run(self):
        options = self.options
        scenario = scenarios.ALL[options.scenario]
        try:
            wait_until(self.is_whole, SETTLE_S, "the set is whole")
        except DrillError:
            raise DrillError(
                "the set is not whole to begin with: all vedettes must answer, agree and see each other, and "
                "every replica must follow"
            ) from None
        load = Load(self.target, options.rate, options.sessions, options.writes, options.queue, options.deadline)
        if not load.warm_up():
            raise DrillError("no replica has confirmed the sessions that were laid out; look at the replication")
        watch = phases.Watch(self.target)
        if not watch.wait_listening(10):
            raise DrillError("a vedette does not let us listen to its events; its user needs &* and +psubscribe")
        self.say(f"{options.rate:g} requests a second, {options.sessions} sessions, for {options.before:g} s")
        load.start()
        time.sleep(options.before)
        trouble = None
        try:
            scenario(self)
            self.wait_whole()
            self.whole_ms = 1000 * (time.monotonic() - self.fault_at)
            self.step("all is whole again", lambda: None)
            time.sleep(options.after)
        except (DrillError, redis.RedisError, OSError) as error:
            trouble = str(error)
            if self.fault_at is None:
                self.fault_at = time.monotonic()
        finally:
            self.put_right()
            load.stop()
        watch.stop()
        try:
            load.look_at_all()
            if options.sentinel:
                load.clear()
        except (redis.RedisError, OSError) as error:
            trouble = trouble or f"the sessions cannot be looked at: {error}"
        return self.sum_up(load, watch, trouble)

    def put_right(self):
        """Nothing that we have done stays."""
        try:
            self.target.mend(None)
        except Exception as error:  # whatever it is, the operator must know
            self.say(f"vedette-drill: the primary could not be opened again: {error}; restart it")

    def sum_up(self, load, watch, trouble):
        figures = verdict.summarise(load, self.fault_at)
        figures["switched_ms"] = self.switched_ms
        figures["whole_ms"] = self.whole_ms
        targets = verdict.judge(figures, trouble is None)
        return {
            "scenario": self.options.scenario,
            "what": scenarios.ALL[self.options.scenario].__doc__,
            "set": "a local one: three Redis servers, three vedettes"
            if not self.options.sentinel
            else "running, at " + ", ".join(name_of(one) for one in self.target.addresses),
            "began": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            "trouble": trouble,
            "figures": figures,
            "targets": [dict(zip(("target", "wanted", "found", "met"), one)) for one in targets],
            "phases": [
                {"event": event, "meaning": meaning, "at_ms": round(at, 1)}
                for event, meaning, at in watch.milestones(self.phases_from or self.fault_at)
            ],
            "steps": [
                {"at_ms": round(1000 * (at - self.fault_at), 1), "what": what, "how": how}
                for at, what, how in self.steps
            ],
            "met": all(one[3] for one in targets),
        }, report.Series(load, self.fault_at)


# The command line ----------------------------------------------------------------


def parse_address(text):
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"'{text}' is no HOST:PORT, or [IPV6]:PORT")
    return (host, int(port))


def positive(kind, least=0.0, most=None):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"'{text}' is no number from {least:g} to {most if most else 'any'}")
        return value

    return parse


def read_options(arguments):
    parser = argparse.ArgumentParser(
        prog="vedette-drill",
        description="Rehearses a fault under the load of a web backend's sessions, and writes what its clients "
        "would have seen into one HTML file. Without --sentinel on a throw-away set on loopback.",
        epilog="Exit status: 0 all targets met, 1 one missed, 2 the drill could not be done. See vedette-drill(1).",
    )
    parser.add_argument("scenario", choices=list(scenarios.ALL), help="what happens to the set")
    parser.add_argument("--sentinel", action="append", type=parse_address, metavar="HOST:PORT",
                        help="a vedette of a running set; it names the others")
    parser.add_argument("--running", action="store_true",
                        help="the running set of $VEDETTE_SENTINELS, as vedettectl names it")
    parser.add_argument("--group", default=os.environ.get("VEDETTE_GROUP") or "mymaster",
                        help="the group's name (%(default)s)")
    parser.add_argument("--yes", action="store_true", help="do it to a running set")
    parser.add_argument("--rate", type=positive(float, 1, 20000), default=1000.0, help="requests a second (%(default)g)")
    parser.add_argument("--writes", type=positive(float, 0, 1), default=0.2, help="share of writes (%(default)g)")
    parser.add_argument("--sessions", type=positive(int, 10, 1000000), default=5000, help="how many (%(default)d)")
    parser.add_argument("--before", type=positive(float, 0.5), default=5.0, metavar="S",
                        help="steady load before the fault (%(default)g s)")
    parser.add_argument("--after", type=positive(float, 0.5), default=5.0, metavar="S",
                        help="and when all is whole again (%(default)g s)")
    parser.add_argument("--away", type=positive(float, 0.5), default=6.0, metavar="S",
                        help="how long the primary is dead, stands still or is cut off (%(default)g s)")
    parser.add_argument("--restart-after", type=positive(int), default=200, metavar="MS",
                        help="how long a restart takes, on a local set (%(default)d ms)")
    parser.add_argument("--deadline", type=positive(float, 0.1), default=5.0, metavar="S",
                        help="a request that has waited so long fails (%(default)g s)")
    parser.add_argument("--queue", type=positive(int, 1), metavar="N",
                        help="requests that may wait, reads and writes each (as many as come within the deadline)")
    parser.add_argument("--patience", type=positive(float, 1), default=60.0, metavar="S",
                        help="for a switch, and for all to be whole (%(default)g s)")
    parser.add_argument("--restart-wait", type=positive(float, 1), default=60.0, metavar="S",
                        help="for the supervisor of a running set to restart a process (%(default)g s)")
    parser.add_argument("--down-after", type=positive(int, 100), default=1000, metavar="MS",
                        help="of the local set (%(default)d ms)")
    parser.add_argument("--user", help="of the data servers")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable with their password")
    parser.add_argument("--sentinel-user", default=os.environ.get("VEDETTE_USER"), help="of the vedettes")
    parser.add_argument("--sentinel-password-env", metavar="NAME",
                        default="VEDETTE_PASSWORD" if "VEDETTE_PASSWORD" in os.environ else None,
                        help="environment variable with their password (VEDETTE_PASSWORD)")
    parser.add_argument("--tls", action="store_true", help="to servers and vedettes")
    parser.add_argument("--tls-ca-cert-file", metavar="FILE", help="whose certificates are believed")
    parser.add_argument("--report", metavar="FILE", help="where the report is written (vedette-drill-SCENARIO.html)")
    parser.add_argument("--json", action="store_true", default=bool(os.environ.get("VEDETTE_JSON")), help="print all figures as JSON, and nothing else")
    options = parser.parse_args(arguments)
    if options.running:
        options.sentinel = read_places(parser) + (options.sentinel or [])
    if options.report is None:
        options.report = f"vedette-drill-{options.scenario}.html"
    return parser, options


def read_places(parser):
    try:
        return [parse_address(one) for one in os.environ.get("VEDETTE_SENTINELS", "").split(",") if one]
    except argparse.ArgumentTypeError as error:
        parser.error(f"VEDETTE_SENTINELS: {error}")


def read_secret(parser, name):
    if name is None:
        return None
    if name not in os.environ:
        parser.error(f"the environment has no {name}")
    return os.environ[name]


def given(some):
    return {name: value for name, value in some.items() if value is not None}


def passed_on_tls():
    """How vedettectl speaks TLS to the vedettes; nothing is said of the servers."""
    names = {"ssl_ca_certs": "CA_CERT_FILE", "ssl_certfile": "CERT_FILE", "ssl_keyfile": "KEY_FILE"}
    if not os.environ.get("VEDETTE_TLS"):
        return {}
    files = given({name: os.environ.get(f"VEDETTE_TLS_{of}") for name, of in names.items()})
    return {"ssl": True, "ssl_check_hostname": "VEDETTE_TLS_NO_VERIFY_NAMES" not in os.environ, **files}


def read_timeout(parser):
    text = os.environ.get("VEDETTE_TIMEOUT_MS")
    try:
        return int(text) / 1000 if text else None
    except ValueError:
        parser.error(f"VEDETTE_TIMEOUT_MS: {text!r} is no number of milliseconds")


def read_access(parser, options):
    tls = {"ssl": True, "ssl_ca_certs": options.tls_ca_cert_file} if options.tls else {}

    def keywords(user, password):
        return given({"username": user, "password": password})

    return Access(
        {**tls, **keywords(options.user, read_secret(parser, options.password_env))},
        {
            **(tls or passed_on_tls()),
            **keywords(options.sentinel_user, read_secret(parser, options.sentinel_password_env)),
        },
        read_timeout(parser),
    )


def open_set(parser, options):
    if options.running and not options.sentinel:
        parser.error("--running, but VEDETTE_SENTINELS names no vedette")
    if not options.sentinel:
        return LocalSet(options.group, options.down_after)
    target = RunningSet(options.sentinel, options.group, read_access(parser, options), options.restart_wait)
    target.discover()
    if not options.yes:
        raise DrillError(
            f"{options.scenario} would happen to the running set whose primary is {name_of(target.primary())}: "
            f"{scenarios.ALL[options.scenario].__doc__} Say --yes if that is meant"
        )
    return target


def tell(result, say):
    figures = result["figures"]
    say("")
    for one in result["targets"]:
        say(f"  {'met   ' if one['met'] else 'MISSED'}  {one['target']}: {one['found']} ({one['wanted']})")
    say(
        f"  of {figures['offered']} requests {figures['answered']} answered, {figures['failed']} failed, "
        f"{figures['refused']} refused; {figures['tries_failed']} tries failed on the way"
    )
    say(
        f"  sessions lost that only the primary had: {figures['sessions_unconfirmed_lost']}; "
        f"longest time without a read: {figures['read_outage_ms']:.0f} ms"
    )
    if result["trouble"]:
        say(f"  not as it should be: {result['trouble']}")


def main(arguments):
    parser, options = read_options(arguments)

    def say(text):
        if not options.json:
            print(text, flush=True)

    # Who is told to go leaves nothing behind, either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(UNDONE))
    target = None
    problems = []
    try:
        with open(options.report, "w", encoding="utf-8") as out:
            target = open_set(parser, options)
            say(f"{options.scenario}: {scenarios.ALL[options.scenario].__doc__}")
            result, series = Drill(target, options, say).run()
            out.write(report.render(result, series))
    except KeyboardInterrupt:
        return UNDONE
    except (DrillError, OSError, redis.RedisError) as error:
        print(f"vedette-drill: {error}", file=sys.stderr)
        return UNDONE
    finally:
        if os.path.exists(options.report) and os.path.getsize(options.report) == 0:
            os.unlink(options.report)
        problems = target.close() if target is not None else []
        for problem in problems:
            print(f"vedette-drill: {problem}", file=sys.stderr)
    if options.json:
        json.dump({**result, "report": options.report}, sys.stdout, indent=1)
        print()
    tell(result, say)
    say(f"  the report: {options.report}")
    return MET if result["met"] and not problems else MISSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
