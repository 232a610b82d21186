// Draws the charts of the page with Chart.js and copies commands. The page's program decides what is drawn; a chart here is
// one of three kinds: `xy` (lines, points, bands), `rows` (one row a name) and `bins` (a histogram).
(() => {
  'use strict';
  const root = document.documentElement;
  const specs = JSON.parse(document.getElementById('charts').textContent);
  let drawn = [];

  const colour = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();
  const tiny = (value) => value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e9);
  const figure = (value) => value === null || !Number.isFinite(value) ? '–' : tiny(value) ? value.toExponential(2)
    : value.toLocaleString('en-US', Math.abs(value) >= 1000 ? {maximumFractionDigits: 0} : {maximumSignificantDigits: 3});
  const tick = (value) => tiny(value) ? value.toExponential() : value.toLocaleString('en-US', {maximumSignificantDigits: 6});
  const cut = (text, length) => text.length > length ? text.slice(0, length - 1) + '…' : text;

  function axis(spec, grid) {
    return {
      type: spec.log ? 'logarithmic' : 'linear', min: spec.min, max: spec.max, reverse: Boolean(spec.reverse), beginAtZero: Boolean(spec.zero), grace: spec.grace, offset: false,
      title: {display: Boolean(spec.title), text: spec.title, color: colour('soft'), font: {weight: '400'}},
      grid: {display: grid, color: colour('line'), drawBorder: false, tickLength: 0},
      ticks: {
        color: colour('soft'), padding: 8, maxRotation: 0, autoSkipPadding: 18, precision: spec.whole ? 0 : undefined,
        callback: (value) => (spec.inner && (value === spec.min || value === spec.max)) || spec.ticks && !spec.ticks.includes(value) ? null : tick(value),
      },
      // An error is never below zero, whatever room is left around the points.
      afterDataLimits: spec.floor === undefined ? undefined : (scale) => { scale.min = Math.max(scale.min, spec.floor); },
      afterBuildTicks: spec.ticks ? (scale) => { scale.ticks = spec.ticks.map((value) => ({value})); } : undefined,
    };
  }

  function options(spec) {
    return {
      animation: false, responsive: true, maintainAspectRatio: false, events: ['mousemove', 'mouseout', 'touchstart', 'click'],
      layout: {padding: {top: 4, right: 10}},
      plugins: {
        legend: {
          display: spec.series.filter((s) => s.label && !s.quiet).length > 1, align: 'start',
          labels: {
            color: colour('soft'), usePointStyle: true, boxWidth: 22, boxHeight: 7, padding: 14,
            filter: (item, data) => !data.datasets[item.datasetIndex].quiet,
          },
          onClick: () => {},
        },
        tooltip: {
          backgroundColor: colour('ink'), titleColor: colour('paper'), bodyColor: colour('paper'), cornerRadius: 4, padding: 10,
          displayColors: false, filter: (item) => !item.dataset.silent,
        },
      },
    };
  }

  // One series of the page is one dataset of Chart.js, a band is two.
  function datasets(series, i) {
    const ink = colour(series.role), base = {label: series.label, order: i, quiet: series.quiet || !series.label};
    const points = (y) => series.points.map((p) => ({x: p[0], y: p[y]}));
    const line = {...base, type: 'line', borderColor: ink, backgroundColor: ink, borderWidth: 2, pointRadius: 0, pointHitRadius: 8,
      pointStyle: 'line', data: points(1)};
    switch (series.style) {
      case 'line': return [{...line, stepped: series.stepped || false, borderDash: series.dash || [], end: series.end}];
      case 'marked': return [{...line, clip: 8, pointRadius: 3.5, pointStyle: 'circle'}];
      case 'dashed': return [{...line, borderDash: [5, 5]}];
      case 'reference': return [{...line, borderWidth: 1, borderDash: [3, 4], silent: true}];
      case 'points': return [{...base, type: 'scatter', backgroundColor: ink + (series.points.length > 120 ? '66' : ''),
        borderColor: ink, pointBorderWidth: series.form === 'crossRot' ? 2 : 0, pointStyle: series.form || 'circle',
        radius: series.points.length > 120 ? 2.5 : 4.5, data: points(1)}];
      case 'rug': return [{...base, type: 'scatter', borderColor: ink, pointBorderWidth: 1, pointStyle: 'line', rotation: 90, radius: 7,
        silent: true, pointHitRadius: 0, data: points(1)}];
      case 'bars': return [{...base, type: 'bar', backgroundColor: ink, maxBarThickness: 24, data: points(1)}];
      case 'whiskers': return [{...base, type: 'bar', backgroundColor: ink, barThickness: 2, silent: true, quiet: true,
        data: series.points.map((p) => ({x: p[0], y: [p[1], p[2]]}))}];
      case 'band': return [
        {...line, label: '', quiet: true, silent: true, borderWidth: 0, pointStyle: 'circle', pointHitRadius: 0,
          backgroundColor: colour(series.role + '-wash'), fill: '+1', data: points(2)},
        {...line, label: '', quiet: true, silent: true, borderWidth: 0, pointHitRadius: 0}];
    }
    return [];
  }

  // Names at the right ends of lines, moved apart where they would touch.
  const endName = (chart, name) => cut(name, chart.width < 480 ? 14 : 24);
  const ends = {
    id: 'ends',
    beforeLayout(chart) {
      chart.ctx.font = Chart.helpers.toFont(Chart.defaults.font).string;
      const names = chart.data.datasets.filter((set) => set.end).map((set) => endName(chart, set.end));
      if (names.length) chart.options.layout.padding = {top: 4, right: 14 + Math.max(...names.map((n) => chart.ctx.measureText(n).width))};
    },
    afterDatasetsDraw(chart) {
      const {ctx, chartArea: area} = chart, step = 15;
      const labels = chart.data.datasets.map((set, i) => ({set, points: chart.getDatasetMeta(i).data}))
        .filter(({set, points}) => set.end && points.length)
        .map(({set, points}) => ({name: endName(chart, set.end), ink: set.borderColor, y: points[points.length - 1].y}))
        .sort((a, b) => a.y - b.y);
      labels.forEach((label, i) => { label.y = Math.max(label.y, i ? labels[i - 1].y + step : area.top + 4); });
      for (let i = labels.length - 1, most = area.bottom - 4; i >= 0; i -= 1, most -= step) labels[i].y = Math.min(labels[i].y, most);
      ctx.save();
      ctx.font = Chart.helpers.toFont(Chart.defaults.font).string;
      ctx.textBaseline = 'middle';
      labels.forEach((label) => { ctx.fillStyle = label.ink; ctx.fillText(label.name, area.right + 8, label.y); });
      ctx.restore();
    },
  };

  function xy(spec) {
    const all = options(spec);
    all.scales = {x: axis(spec.x, false), y: axis(spec.y, true)};
    all.interaction = {mode: 'nearest', intersect: false};
    all.plugins.tooltip.callbacks = {
      title: () => '',
      label: (item) => {
        const point = spec.hints && spec.hints[item.dataset.label] ? spec.hints[item.dataset.label][item.dataIndex] : null;
        const text = [item.dataset.label, `${spec.x.name || spec.x.title} ${figure(item.parsed.x)}`,
          `${spec.y.name || spec.y.title} ${figure(item.parsed.y)}`];
        return point ? text.concat(point) : text;
      },
    };
    return {type: 'scatter', data: {datasets: spec.series.flatMap(datasets)}, options: all, plugins: [ends]};
  }

  function rows(spec) {
    const all = options(spec);
    all.indexAxis = 'y';
    all.scales = {x: axis(spec.x, true), y: {
      type: 'category', labels: spec.labels, offset: true, grid: {display: false, drawBorder: false},
      ticks: {color: colour('ink'), autoSkip: false, padding: 6, crossAlign: 'far',
        callback(value) { return cut(spec.labels[value], this.chart.width < 480 ? 22 : 34); }},
    }};
    all.interaction = {mode: 'index', axis: 'y', intersect: false};
    const shade = (series) => spec.labels.map((_, i) => colour((series.roles && series.roles[i]) || series.role));
    const sets = spec.series.map((series, i) => {
      const base = {label: series.label, order: i, quiet: series.quiet || !series.label, silent: series.style === 'reference',
        data: series.values};
      const bar = {...base, type: 'bar', grouped: Boolean(series.grouped), backgroundColor: shade(series), borderSkipped: false};
      switch (series.style) {
        case 'range': return {...bar, barThickness: 2, pointStyle: 'line'};
        case 'wide': return {...bar, barThickness: 12, borderRadius: 2, pointStyle: 'rect'};
        case 'bar': return {...bar, maxBarThickness: series.grouped ? 10 : 14, barPercentage: 0.8, borderRadius: 2, pointStyle: 'rect'};
        case 'reference': return {...base, type: 'line', borderColor: colour(series.role), borderWidth: 1.5, borderDash: [3, 4],
          pointRadius: 0, pointStyle: 'line'};
        default: return {...base, type: 'line', showLine: false, backgroundColor: shade(series), borderColor: shade(series),
          pointRadius: 5, pointHoverRadius: 6, pointStyle: 'circle'};
      }
    });
    all.plugins.tooltip.callbacks = {
      title: (items) => items.length ? spec.labels[items[0].dataIndex] : '',
      label: (item) => Array.isArray(item.raw) ? `${item.dataset.label || 'interval'}: ${item.raw.map(figure).join(' to ')}`
        : `${item.dataset.label || spec.x.title}: ${figure(item.parsed.x)}`,
    };
    return {type: 'bar', data: {labels: spec.labels, datasets: sets}, options: all};
  }

  function bins(spec) {
    const all = options(spec);
    all.scales = {
      x: {grid: {display: false, drawBorder: false}, ticks: {color: colour('soft'), maxRotation: 0, autoSkipPadding: 24,
        callback: (value) => cut(String(spec.labels[value]), 14)}},
      y: {display: false, beginAtZero: true},
    };
    all.interaction = {mode: 'index', intersect: false};
    all.plugins.tooltip.callbacks = {label: (item) => `${figure(item.parsed.y)} rows`};
    return {type: 'bar', options: all, data: {labels: spec.labels, datasets: [{data: spec.values, backgroundColor: colour('accent'),
      barPercentage: 1, categoryPercentage: spec.gap ? 0.8 : 0.97}]}};
  }

  const kinds = {xy, rows, bins};
  function draw() {
    drawn.forEach((chart) => chart.destroy());
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 12.5;
    drawn = specs.map((spec) => new Chart(document.getElementById(spec.id), kinds[spec.kind](spec)));
  }

  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  const paper = (on) => () => { root.classList.toggle('printing', on); draw(); };
  addEventListener('beforeprint', paper(true));
  addEventListener('afterprint', paper(false));

  document.querySelectorAll('.command button').forEach((button) => {
    const text = button.parentElement.querySelector('code').textContent;
    const done = () => { button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500); };
    button.hidden = false;
    button.addEventListener('click', () => {
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => {});
      else {
        getSelection().selectAllChildren(button.parentElement.querySelector('code'));
        if (document.execCommand('copy')) done();
      }
    });
  });
})();
