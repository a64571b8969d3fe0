//! The table at the end of the demo.
import { type DemoReport, eventNames } from './report.ts'

const header = ['phone', 'event', 'expected', 'lost', 'max gap', 'SIP', 'breaks in the tone']

export function reportTable(report: DemoReport): string {
  const rows = Object.entries(report.phones).flatMap(([user, events]) =>
    eventNames.map((name) => {
      const figures = events[name]
      return [
        user,
        name,
        `${figures.packetsExpected}`,
        `${figures.packetsLost}`,
        `${figures.maxGapMs.toFixed(1)} ms`,
        `${figures.sipMessagesDuringTakeover}`,
        `${figures.decodedAudioDiscontinuities}`,
      ]
    }),
  )
  const { twin } = report
  return [
    ...aligned([header, ...rows]),
    '',
    `take-over         ${report.takeoverMs} ms from SIGKILL to the first answer of the survivor`,
    `twin streams      ${twin.packets} packets sent by both nodes, ${twin.headerEqual} equal headers, ` +
      `${twin.payloadEqual} equal payloads`,
    `call put down     ${report.callEndedNormally ? 'normally, by the phone' : 'NOT normally'}`,
  ].join('\n')
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  const [first = [], ...others] = rows
  return [line(first), widths.map((width) => '-'.repeat(width)).join('  '), ...others.map(line)]
}

/** One line per run, for many runs in a row. */
export function reportLine(report: DemoReport): string {
  const figures = Object.values(report.phones).flatMap((events) => eventNames.map((n) => events[n]))
  const sum = (pick: (figure: (typeof figures)[number]) => number) =>
    figures.reduce((total, figure) => total + pick(figure), 0)
  const { twin } = report
  return [
    `lost ${sum((f) => f.packetsLost)} of ${sum((f) => f.packetsExpected)}`,
    `max gap ${Math.max(...figures.map((f) => f.maxGapMs)).toFixed(1)} ms`,
    `SIP ${sum((f) => f.sipMessagesDuringTakeover)}`,
    `breaks ${sum((f) => f.decodedAudioDiscontinuities)}`,
    `take-over ${report.takeoverMs} ms`,
    `twin ${twin.headerEqual}/${twin.payloadEqual}/${twin.packets}`,
    report.callEndedNormally ? 'put down normally' : 'NOT put down normally',
  ].join(', ')
}

/** Figures that must be equal in every run; times and counts of packets sent vary by nature. */
export function fingerprint(report: DemoReport): string {
  const phones = Object.entries(report.phones).map(([user, events]) => [
    user,
    ...eventNames.map((name) => {
      const { maxGapMs: _, ...equal } = events[name]
      return equal
    }),
  ])
  return JSON.stringify([phones, report.callEndedNormally])
}
