#!/usr/bin/env python3
"""Draws the panels of neurond.dashboard.json as one SVG, from what a Prometheus server has:
a picture of the dashboard without Grafana.

usage: picture.py http://127.0.0.1:9090 [SECONDS] >dashboard.svg

SECONDS is how far back it looks (600).
"""
import html
import json
import pathlib
import sys
import time
import urllib.parse
import urllib.request

WIDTH, HEIGHT, COLUMNS, GAP = 300, 170, 3, 10
COLOURS = ("#5794f2", "#73bf69", "#f2cc0c", "#ff780a", "#f2495c", "#b877d9", "#37872d", "#8f3bb8")
UNITS = {"s": "s", "bytes": "B", "Bps": "B/s", "reqps": "/s", "ops": "/s"}


def ask(server, expression, begin, end, step):
    query = urllib.parse.urlencode({
        "query": expression.replace("$__rate_interval", f"{4 * step}s").replace("$instance", ".*"),
        "start": begin, "end": end, "step": step})
    with urllib.request.urlopen(f"{server}/api/v1/query_range?{query}", timeout=30) as reply:
        return json.load(reply)["data"]["result"]


def named(template, labels):
    for name, value in labels.items():
        template = template.replace("{{" + name + "}}", value)
    return template


def short(value, unit):
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ")):
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}{UNITS.get(unit, '')}".strip()
    return f"0 {UNITS.get(unit, '')}".strip()


def draw(panel, lines, begin, end, left, top):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    most = max([v for _, points in lines for _, v in points] + [0]) or 1
    x0, y0, width, height = left + 10, top + 30, WIDTH - 20, HEIGHT - 68
    out = [f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="3" fill="#181b1f"/>',
           f'<text x="{x0}" y="{top + 17}" class="title">{html.escape(panel["title"])}</text>',
           f'<text x="{left + WIDTH - 10}" y="{top + 17}" class="max">{short(most, unit)}</text>']
    for part in range(3):
        y = y0 + height * part / 2
        out.append(f'<path d="M{x0} {y:.0f}h{width}" stroke="#2c3235"/>')
    for index, (name, points) in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x0 + width * (t - begin) / (end - begin):.1f},"
                        f"{y0 + height * (1 - v / most):.1f}" for t, v in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if index < 4:
            x, y = x0 + (index % 2) * width / 2, top + HEIGHT - 21 + 14 * (index // 2)
            label = name if len(name) < 21 else name[:20] + "…"
            out.append(f'<text x="{x:.0f}" y="{y}" fill="{colour}">{html.escape(label)}</text>')
    return out


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__.strip())
    server, span = sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else 600
    board = json.loads((pathlib.Path(__file__).parent / "neurond.dashboard.json").read_text())
    end = time.time()
    begin, step = end - span, max(1, span // 100)
    panels = board["panels"]
    rows = -(-len(panels) // COLUMNS)
    width, height = COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + GAP) + GAP
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
           ' font-family="sans-serif" font-size="10">',
           "<style>.title{fill:#ccccdc;font-size:12px}.max{fill:#8e8e9b;text-anchor:end}</style>",
           f'<rect width="{width}" height="{height}" fill="#111217"/>']
    for index, panel in enumerate(panels):
        lines = []
        for target in panel["targets"]:
            for series in ask(server, target["expr"], begin, end, step):
                points = [(t, float(v)) for t, v in series["values"] if v != "NaN"]
                if points:
                    lines.append((named(target["legendFormat"], series["metric"]), points))
        out += draw(panel, lines, begin, end, GAP + index % COLUMNS * (WIDTH + GAP),
                    GAP + index // COLUMNS * (HEIGHT + GAP))
    print("\n".join([*out, "</svg>"]))


if __name__ == "__main__":
    main()
