// What the libraries need to be told; everything works without it but plots and refreshing.
(function () {
  "use strict";

  // Elements with data-keep are ours, and what a reader has unfolded stays so.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = function (node) {
    return !(node.dataset && "keep" in node.dataset);
  };
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = function (name, node) {
    return !(name === "open" && node.nodeName === "DETAILS");
  };

  document.addEventListener("htmx:beforeRequest", function (event) {
    const asked = document.getElementById("refresh");
    if (document.hidden || (asked && !asked.checked)) event.preventDefault();
  });

  const plots = new Map();

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function options(title, width, stroke) {
    const zones = { hourCycle: "h23", hour: "2-digit", minute: "2-digit" };
    const clock = function (time) { return new Date(time * 1000).toLocaleTimeString([], zones); };
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    return {
      title: title, width: width, height: 170, cursor: { drag: { x: false, y: false } },
      scales: { y: { range: function (_, low, high) { return [0, high > 0 ? high * 1.1 : 1]; } } },
      axes: [Object.assign({ size: 30, values: function (_, times) { return times.map(clock); } }, axis), Object.assign({ size: 56 }, axis)],
      series: [{ label: "At", value: function (_, time) { return time ? clock(time) : "--"; } }, { label: title, stroke: colour(stroke), width: 2, fill: colour(stroke) + "22", points: { show: false } }],
    };
  }

  function draw(id, title, stroke, data) {
    const place = document.getElementById(id);
    const width = Math.max(place.clientWidth, 240);
    const known = plots.get(id);
    if (known) return known.setData(data);
    plots.set(id, new uPlot(options(title, width, stroke), data, place));
  }

  function drawAll() {
    const given = document.getElementById("series");
    if (!given) return;
    const [times, rates, left] = JSON.parse(given.dataset.series);
    if (times.length < 2) return;
    draw("plot-rate", "Rows a second", "--rate", [times, rates]);
    draw("plot-left", "Minutes left", "--left", [times, left]);
  }

  function drawAnew() {
    plots.forEach(function (plot) { plot.destroy(); });
    plots.clear();
    drawAll();
  }

  document.addEventListener("htmx:afterSettle", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAnew);
  addEventListener("resize", drawAnew);
  drawAll();
})();
