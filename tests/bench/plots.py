"""Draws results with gnuplot: cost against connections, latency against rate. SVG files."""

import subprocess

from figures import of

NAMES = {"chatgate": "chatgate", "floor": "epoll floor", "floor_uring": "io_uring floor",
         "redis": "redis-server", "memcached": "memcached", "nats": "nats-server",
         "go": "Go net server"}
# Of people who see colours differently, too (Okabe and Ito); the gateway is drawn the thickest.
COLOURS = {"chatgate": "#D55E00", "floor": "#000000", "floor_uring": "#0072B2",
           "redis": "#CC79A7", "memcached": "#009E73", "nats": "#56B4E9", "go": "#E69F00"}

HEAD = """\
set terminal svg size {width},{height} noenhanced background "white" font "sans-serif,13"
set encoding utf8
set grid lc rgb "#dddddd"
set border 3
set tics nomirror
set pointintervalbox 0
set errorbars small
"""


def by_server(samples):
    """{server: {number: samples}} of {"server/number": samples}, both in the order of NAMES."""
    found = {}
    for key, taken in samples.items():
        name, _, number = key.partition("/")
        found.setdefault(name, {})[int(number)] = taken
    return {name: dict(sorted(found[name].items())) for name in NAMES if name in found}


def blocks(curves):
    """gnuplot's data blocks, one for each of {name: [(x, median, least, most), ...]}."""
    return "".join(
        f"${name} << END\n" + "".join(" ".join(f"{value:g}" for value in point) + "\n"
                                      for point in points) + "END\n"
        for name, points in curves.items())


def lines(curves, prefix="", titled=True):
    """gnuplot's plot command: a line and the spread of its points for each curve."""
    parts = []
    for name in curves:
        server = name.removeprefix(prefix)
        colour = f'lc rgb "{COLOURS[server]}"'
        width = 3 if server == "chatgate" else 1.5
        title = f'title "{NAMES[server]}"' if titled else "notitle"
        parts.append(f"${name} using 1:2:3:4 with yerrorlines pt 7 ps 0.4 lw {width} {colour} "
                     f"{title}")
    return "plot " + ", \\\n  ".join(parts) + "\n"


def curve(taken, name, x=None):
    """The points of one server; x is the number in its keys, or that of the samples."""
    points = []
    for number, samples in taken.items():
        y, here = of(samples, name), of(samples, x) if x else None
        if y and (here or not x):
            points.append((here.median if x else number, y.median, y.least, y.most))
    return points


def cost_script(samples):
    """CPU a message against connections that talk."""
    curves = {name: curve(taken, "cpu_us") for name, taken in by_server(samples).items()}
    return (HEAD.format(width=860, height=520) + blocks(curves) + """\
set logscale x
set xlabel "connections, all of which talk"
set ylabel "CPU of the server, µs a message"
set yrange [0:*]
set xrange [0.8:20000]
set key outside right top
""" + lines(curves))


def latency_script(samples):
    """Latency against rate, in three panels."""
    servers = by_server(samples)
    panels = {"p50": "median", "p99": "p99", "p999": "p99.9"}
    script = HEAD.format(width=1080, height=440)
    plots = ""
    for panel, title in panels.items():
        curves = {f"{panel}_{name}": curve(taken, f"{panel}_us", x="rate")
                  for name, taken in servers.items()}
        script += blocks(curves)
        plots += f'set title "{title}"\n' + lines(curves, f"{panel}_")
    return script + """\
set logscale y
set xlabel "thousand messages a second"
set ylabel "µs from the time that the message was due"
set format x "%.0f"
set key left top
set xtics autofreq rotate by -45
set multiplot layout 1,3
""" + plots.replace("using 1:", "using ($1/1000):") + "unset multiplot\n"


def draw(results, folder):
    """Writes the plots of what was measured into the folder. Returns their names."""
    drawn = []
    for name, scenario, script in (("cost", "scale", cost_script),
                                   ("latency", "rates", latency_script)):
        if results.get(scenario):
            folder.mkdir(exist_ok=True)
            text = f'set output "{folder / name}.svg"\n' + script(results[scenario])
            subprocess.run(["gnuplot"], input=text, text=True, check=True)
            drawn.append(f"{name}.svg")
    return drawn
