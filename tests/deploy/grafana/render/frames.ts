// From a panel of the dashboard to the data frames that Grafana's components draw: what its
// Prometheus data source and its panel runner do.
import {
  applyFieldOverrides, createTheme, DataFrame, Field, FieldConfigOptionsRegistry, FieldType,
  standardEditorsRegistry, standardFieldConfigEditorRegistry, toDataFrame,
} from '@grafana/data';

export const theme = createTheme({ colors: { mode: 'dark' } });

// The properties of a field that a dashboard may set; Grafana registers them with their editors.
const property = (path: string, isCustom: boolean, defaultValue?: unknown) => ({
  id: isCustom ? `custom.${path}` : path, path, name: path, isCustom, defaultValue,
  editor: () => null, override: () => null, process: (value: unknown) => value,
  shouldApply: () => true, settings: {}, getItemsCount: () => 0,
});
const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'color', 'thresholds',
  'mappings', 'noValue', 'links'].map((path) => property(path, false));
const CUSTOM = Object.entries({
  drawStyle: 'line', lineWidth: 1, lineInterpolation: 'linear', lineStyle: { fill: 'solid' },
  fillOpacity: 0, gradientMode: 'none', pointSize: 5, showPoints: 'never', spanNulls: false,
  axisPlacement: 'auto', axisLabel: '', stacking: { mode: 'none', group: 'A' },
  minWidth: 150, scaleDistribution: { type: 'linear' }, thresholdsStyle: { mode: 'off' },
  hideFrom: { legend: false, tooltip: false, viz: false },
}).map(([path, value]) => property(path, true, value));
standardEditorsRegistry.setInit(() => []);
standardFieldConfigEditorRegistry.setInit(() => STANDARD as any);
const registry = new FieldConfigOptionsRegistry(() => [...STANDARD, ...CUSTOM] as any);

export interface Shown { prometheus: string; start: number; end: number }  // In seconds.

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 } as Record<string, number>;
export const seconds = (text: string) =>
  Number(text.match(/\d+/)![0]) * SECONDS[text.match(/[smhd]$/)![0]];

function interpolated(expression: string, { start, end }: Shown) {
  return expression
    .replaceAll('$__rate_interval', '15s')
    .replaceAll('$__range', `${Math.round(end - start)}s`)
    .replace(/\$\{?\w+\}?/g, '.*');
}

export async function ask(expression: string, shown: Shown) {
  const step = Math.max(1, Math.ceil((shown.end - shown.start) / 300));
  const parameters = new URLSearchParams({
    query: interpolated(expression, shown), start: `${shown.start}`, end: `${shown.end}`,
    step: `${step}`,
  });
  const answer = await (await fetch(`${shown.prometheus}/api/v1/query_range?${parameters}`)).json();
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data.result as { metric: Record<string, string>; values: [number, string][] }[];
}

const named = (legend: string, labels: Record<string, string>) => legend === '__auto' ? 'Value'
  : legend.replace(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? '');

function timeSeries(refId: string, legend: string, { metric, values }: any): DataFrame {
  const name = named(legend, metric);
  const field = { name: 'Value', type: FieldType.number, labels: metric,
    config: { displayNameFromDS: name }, values: values.map(([, value]: any) => Number(value)) };
  const time = { name: 'Time', type: FieldType.time, config: {},
    values: values.map(([at]: any) => at * 1000) };
  return toDataFrame({ refId, name, fields: [time, field] });
}

// Buckets come cumulative, as Prometheus keeps them; each becomes what lies between two bounds.
function buckets(frames: DataFrame[]): DataFrame[] {
  const bound = (frame: DataFrame) => Number(frame.fields[1].labels!.le.replace('+Inf', 'Infinity'));
  const sorted = [...frames].sort((a, b) => bound(a) - bound(b));
  return sorted.map((frame, number) => {
    const [time, value] = frame.fields;
    const below = number ? sorted[number - 1].fields[1].values : undefined;
    const own = value.values.map((n: number, i: number) => n - (below ? below[i] : 0));
    return { ...frame, fields: [time, { ...value, values: own }] };
  });
}

// One row for each series, with its labels and its last value.
function table(frames: DataFrame[], columns: string[]): DataFrame[] {
  const of = (frame: DataFrame, column: string) => column === 'Value'
    ? frame.fields[1].values.at(-1) : frame.fields[1].labels![column] ?? '';
  return [toDataFrame({ fields: columns.map((column) => ({
    name: column, config: {}, type: column === 'Value' ? FieldType.number : FieldType.string,
    values: frames.map((frame) => of(frame, column)),
  } as unknown as Field)) })];
}

export async function framesOf(panel: any, shown: Shown): Promise<DataFrame[]> {
  const frames: DataFrame[] = [];
  for (const { refId, expr, legendFormat, format, instant } of panel.targets) {
    // A table shows what is, a graph what was.
    const when = instant ? { ...shown, start: shown.end } : shown;
    const series = (await ask(expr, when)).map((one) => timeSeries(refId, legendFormat, one));
    frames.push(...(format === 'heatmap' ? buckets(series) : series));
  }
  const columns = panel.transformations?.[0].options.include.names;
  return applyFieldOverrides({
    data: panel.type === 'table' ? table(frames, columns) : frames,
    fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry as any, theme, timeZone: 'utc',
    replaceVariables: (text: string) => text,
  });
}
