// Draws the dashboard with Grafana's own panel components, from a Prometheus. Grafana does not
// publish its heat map, which is drawn here instead.
import {
  DataFrame, dateTime, EventBusSrv, getFieldDisplayValues, getValueFormat, formattedValueToString,
  makeTimeRange, ThemeContext,
} from '@grafana/data';
import { DashboardCursorSync, LegendDisplayMode } from '@grafana/schema';
import {
  BarGauge, BigValue, PanelChrome, PanelContextProvider, Table, TimeSeries,
} from '@grafana/ui';
import React, { useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';

import { ask, framesOf, seconds, Shown, theme } from './frames';

const WIDTH = 1500;
const COLUMN = WIDTH / 24;
const ROW = 30;
const GAP = 8;

interface Mark { at: number; until: number; colour: string }
interface Drawing { panel: any; data: DataFrame[]; width: number; height: number; marks: Mark[] }

const parameters = new URLSearchParams(location.search);
const end = Number(parameters.get('end'));
const shown: Shown = {
  prometheus: parameters.get('prometheus')!, end, start: end - seconds(parameters.get('range')!),
};

function Graph({ panel, data, width, height, marks }: Drawing) {
  const range = makeTimeRange(dateTime(shown.start * 1000), dateTime(shown.end * 1000));
  const legend = { ...panel.options.legend, displayMode: LegendDisplayMode.List };
  // What the annotations plugin does.
  const drawMarks = (config: any) => {
    config.addHook('draw', (plot: any) => {
      for (const { at, until, colour } of marks) {
        const from = plot.valToPos(at, 'x', true);
        const to = Math.max(plot.valToPos(until, 'x', true), from + 2);
        plot.ctx.fillStyle = theme.visualization.getColorByName(colour) + '60';
        plot.ctx.fillRect(from, plot.bbox.top, to - from, plot.bbox.height);
      }
    });
    return null;
  };
  return (
    <PanelContextProvider value={{ eventsScope: 'panel', eventBus: new EventBusSrv(),
      sync: () => DashboardCursorSync.Off } as any}>
      <TimeSeries frames={data} timeRange={range} timeZone="utc" width={width} height={height}
        structureRev={1} legend={legend} options={panel.options}>
        {drawMarks as any}
      </TimeSeries>
    </PanelContextProvider>
  );
}

function HeatMap({ panel, data, width, height }: Drawing) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const draw = canvas.current!.getContext('2d')!;
    const left = 56, bottom = 20;
    const most = Math.max(...data.flatMap((frame) => frame.fields[1].values as number[]), 1e-9);
    const w = (width - left) / Math.max(...data.map((frame) => frame.length));
    const h = (height - bottom) / data.length;
    const format = getValueFormat(panel.fieldConfig.defaults.unit);
    draw.font = '11px sans-serif';
    data.forEach((frame, row) => {
      const top = height - bottom - (row + 1) * h;
      frame.fields[1].values.forEach((value: number, column: number) => {
        if (!(value > 0)) return;
        draw.fillStyle = `rgba(255, 152, 48, ${Math.sqrt(value / most)})`;
        draw.fillRect(left + column * w, top + 1, w + 0.5, h - 1);
      });
      const bound = Number(frame.fields[1].labels!.le);
      draw.fillStyle = theme.colors.text.secondary;
      draw.fillText(isFinite(bound) ? formattedValueToString(format(bound)) : '+Inf', 4, top + 10);
    });
    for (let i = 0; i < 5; ++i) {
      const at = new Date((shown.start + ((shown.end - shown.start) * i) / 5) * 1000);
      draw.fillText(at.toISOString().slice(11, 16), left + ((width - left) * i) / 5, height - 4);
    }
  });
  return <canvas ref={canvas} width={width} height={height} />;
}

function Values({ panel, data, width, height }: Drawing) {
  const values = getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, data, theme,
    timeZone: 'utc', replaceVariables: (text: string) => text, sparkline: panel.type === 'stat',
  });
  const isColumn = panel.type === 'bargauge';
  const size = isColumn ? { width, height: height / values.length - 4 }
    : { width: width / values.length, height };
  const draw = ({ display, field, sparkline, view, colIndex }: any, key: number) => {
    const common = { key, theme, value: display, ...size };
    if (panel.type === 'stat') {
      return <BigValue {...common} sparkline={sparkline} colorMode={panel.options.colorMode}
        graphMode={panel.options.graphMode} textMode={values.length > 1 ? 'value_and_name' as any
          : 'value' as any} />;
    }
    return <BarGauge {...common} field={field} display={view?.getFieldDisplayProcessor(colIndex)}
      displayMode={panel.options.displayMode} orientation={panel.options.orientation}
      alignmentFactors={{ title: '≤ 1000000000', text: '100000' } as any} showUnfilled
      itemSpacing={4} />;
  };
  return (
    <div style={{ display: 'flex', flexDirection: isColumn ? 'column' : 'row', gap: isColumn ? 4 : 0 }}>
      {values.map(draw)}
    </div>
  );
}

function Panel(drawing: Drawing) {
  const { panel, data, width, height } = drawing;
  if (!data.length || !data.some((frame) => frame.length)) return <div>No data</div>;
  if (panel.type === 'timeseries') return <Graph {...drawing} />;
  if (panel.type === 'heatmap') return <HeatMap {...drawing} />;
  if (panel.type === 'table') return <Table data={data[0]} width={width} height={height} />;
  return <Values {...drawing} />;
}

// A panel that fails must not take the others with it, and must be told of.
class Guard extends React.Component<{ children: React.ReactNode; title: string }> {
  state = { failure: '' };
  static getDerivedStateFromError(error: unknown) { return { failure: String(error) }; }
  componentDidCatch(error: unknown) { faults.push(`${this.props.title}: ${error}`); }
  render() { return this.state.failure || this.props.children; }
}

function Place({ panel, children }: { panel: any; children: React.ReactNode }) {
  const { x, y, w, h } = panel.gridPos;
  return (
    <div style={{ position: 'absolute', left: x * COLUMN + GAP / 2, top: y * ROW + GAP / 2,
      width: w * COLUMN - GAP, height: h * ROW - GAP }}>{children}</div>
  );
}

function Row({ panel }: { panel: any }) {
  return <Place panel={panel}><div style={{ fontSize: 16, fontWeight: 500 }}>⌄ {panel.title}</div></Place>;
}

function Framed({ panel, data, marks }: { panel: any; data: DataFrame[]; marks: Mark[] }) {
  const width = panel.gridPos.w * COLUMN - GAP, height = panel.gridPos.h * ROW - GAP;
  return (
    <Place panel={panel}>
      <PanelChrome title={panel.title} description={panel.description} width={width} height={height}>
        {(w: number, h: number) => (
          <Guard title={panel.title}>
            <Panel panel={panel} data={data} width={w} height={h} marks={marks} />
          </Guard>
        )}
      </PanelChrome>
    </Place>
  );
}

async function marksOf(annotation: any): Promise<Mark[]> {
  const colour = annotation.iconColor;
  const marks: Mark[] = [];
  for (const { values } of await ask(annotation.expr, shown)) {
    for (const [at, value] of values) {
      const when = annotation.useValueForTime ? Number(value) : at * 1000;
      const last = marks.at(-1);
      if (last && when >= last.at && when - last.until <= 10_000) last.until = when;
      else marks.push({ at: when, until: when, colour });
    }
  }
  return marks.filter((mark) => mark.until >= shown.start * 1000);
}

const faults: string[] = [];
(window as any).done = (async () => {
  const dashboard = await (await fetch('/dashboard.json')).json();
  const marks = (await Promise.all(dashboard.annotations.list
    .filter(({ enable }: any) => enable).map(marksOf))).flat() as Mark[];
  const rows = dashboard.panels.filter(({ type }: any) => type === 'row');
  const top = rows[Number(parameters.get('first'))].gridPos.y;
  const bottom = rows[Number(parameters.get('last')) + 1]?.gridPos.y ?? Infinity;
  const wanted = dashboard.panels.filter(({ gridPos }: any) => gridPos.y >= top && gridPos.y < bottom);
  const drawn = await Promise.all(wanted.map(async (panel: any) => {
    if (panel.type === 'row') return <Row key={panel.id} panel={panel} />;
    const data = await framesOf(panel, shown);
    if (!data.some((frame) => frame.length)) faults.push(`${panel.title}: no data`);
    return <Framed key={panel.id} panel={panel} data={data} marks={marks} />;
  }));
  const height = Math.max(...dashboard.panels.map(({ gridPos }: any) => gridPos.y + gridPos.h)) * ROW;
  createRoot(document.getElementById('root')!).render(
    <ThemeContext.Provider value={theme}>
      <div style={{ position: 'relative', width: WIDTH, height, fontFamily: 'Inter, sans-serif',
        fontSize: 14, color: theme.colors.text.primary }}>{drawn}</div>
    </ThemeContext.Provider>,
  );
  await new Promise((settled) => setTimeout(settled, 2000));  // Charts draw in frames of their own.
  return { faults, rows: rows.map(({ title, gridPos }: any) => ({ title, top: gridPos.y * ROW })),
    width: WIDTH, height };
})();
