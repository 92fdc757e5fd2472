// What uPlot is told: colours of the theme, times of a zone, lines and bars.

/** The library and its style sheet, once. */
export const library = (() => {
  let loading = null;
  return () => (loading ??= Promise.all([import("uplot"), styles()]).then(([module]) => module.default));
})();

const styles = () => new Promise((resolve) => {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: import.meta.resolve("uplot/uPlot.min.css") });
  link.onload = link.onerror = resolve;
  document.head.append(link);
});

const probe = document.createElement("span");

/** A canvas knows no variables: the colour as it is in this theme, with an opacity. */
export function colour(name, opacity = 1) {
  if (!probe.isConnected) document.body.append(Object.assign(probe, { hidden: true }));
  probe.style.color = `color-mix(in srgb, var(${name}) ${opacity * 100}%, transparent)`;
  return getComputedStyle(probe).color;
}

const font = "11px system-ui, sans-serif";
const axis = { stroke: () => colour("--text-3"), font, ticks: { show: false }, grid: { stroke: () => colour("--line"), width: 1 } };

const memo = new Map();
const timeFormat = (zone, options) => {
  const key = zone + JSON.stringify(options);
  if (!memo.has(key)) memo.set(key, new Intl.DateTimeFormat(undefined, { timeZone: zone, ...options }));
  return memo.get(key);
};

/** The readable form of a moment on a chart whose steps are minutes, hours, days, weeks or months long. */
export function moment(atMs, zone, interval) {
  const day = { weekday: "short", day: "numeric", month: "short" };
  if (interval === "month") return timeFormat(zone, { month: "long", year: "numeric" }).format(atMs);
  return timeFormat(zone, ["minute", "hour"].includes(interval) ? { ...day, hour: "2-digit", minute: "2-digit" } : day).format(atMs);
}

const axisTimes = (zone) => (_, splits, __, ___, step) => splits.map((s, at) => {
  const day = timeFormat(zone, { day: "numeric", month: "short" }).format(s * 1000);
  if (step >= 86_400) return day;
  const hour = timeFormat(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(s * 1000);
  return hour === "00:00" || (at === 0 && step >= 21_600) ? day : hour;
});

function line(uPlot, { label, tone = "--accent", dash, fill, bars, width = 2 }) {
  return {
    label, width: bars ? 0 : width, dash, spanGaps: false, points: { show: false },
    stroke: () => colour(tone),
    fill: bars ? () => colour(tone, 0.85) : fill ? () => colour(tone, 0.12) : undefined,
    paths: bars ? uPlot.paths.bars({ size: [0.86, 60], radius: 0.12 }) : undefined,
  };
}

const PLACES_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

const WHOLE = Array.from({ length: 12 }, (_, at) => [1, 2, 5].map((one) => one * 10 ** at)).flat();

/** Options of a chart: `time` tells whether x is seconds since 1970; else `xFormat` says what it is. */
export function options(uPlot, { width, height, series, zone, time, counts, format, xFormat, most, onMove, onDraw }) {
  const across = { ...axis, grid: { show: false }, size: 28, gap: 6, space: 72, ...(time ? {} : { incrs: PLACES_S }), values: time ? axisTimes(zone) : (_, splits) => splits.map(xFormat) };
  const up = { ...axis, size: (_, labels) => Math.max(36, ...(labels ?? []).map((label) => 12 + label.length * 6.5)), gap: 6, space: 36, ...(counts ? { incrs: WHOLE } : {}), values: (_, splits) => splits.map((value) => format(value)) };
  return {
    width, height, padding: [12, 20, 0, 0], legend: { show: false }, ms: 1e-3,
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), zone),
    scales: { x: { time }, y: { range: (_, __, highest) => [0, most ?? (highest > 0 ? highest * 1.1 : 1)] } },
    axes: [across, up],
    series: [{}, ...series.map((one) => line(uPlot, one))],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, width: 2 } },
    hooks: { setCursor: [(plot) => onMove(plot.cursor.idx ?? null)], draw: [onDraw] },
  };
}
