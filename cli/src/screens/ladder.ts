//! The ladder of `call trace`: a column a leg, the switch on the left of each.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import { clean, type Screen } from './screen.ts'
import { exactMoment } from './words.ts'

type Message = ResultOf<'call.trace'>['messages'][number]

const timeWidth = 14
const laneWidthMin = 20

/** @param known columns that are on the screen already; only messages follow then */
export function drawLadder(
  screen: Screen,
  { messages }: Pick<ResultOf<'call.trace'>, 'messages'>,
  known: readonly string[] = [],
): string[] {
  if (messages.length === 0) return known.length > 0 ? [] : ['No messages.']
  const lanes = [...new Set([...known, ...messages.map(laneOf)])]
  const room = screen.columns - timeWidth
  // Too many legs for columns: the leg stands in each line.
  const width = Math.floor(room / lanes.length)
  const isWide = width >= laneWidthMin
  const head = 'TIME'.padEnd(timeWidth) + lanes.map((lane) => lane.padEnd(width)).join('')
  const rows = messages.map((message) => {
    const time = message.at.slice(11, 23).padEnd(timeWidth)
    const text = `${arrowOf(screen, message)} ${message.summary}`
    const lane = laneOf(message)
    if (!isWide) return cut(`${time}${lane.padEnd(12)} ${text}`, screen.columns)
    const indent = ' '.repeat(width * lanes.indexOf(lane))
    return cut(`${time}${indent}${text}`, screen.columns)
  })
  const isNew = lanes.length > known.length
  const title = isWide ? head.trimEnd() : `${'TIME'.padEnd(timeWidth)}LEG`
  return isNew ? [screen.heading(title), ...rows] : rows
}

function laneOf({ leg, number }: Message): string {
  return clean(`${leg} ${number}`)
}

/** From the switch to the terminal, or back. */
function arrowOf(screen: Screen, { direction }: Message): string {
  const [to, from] = screen.arrow === '->' ? ['->', '<-'] : ['→', '←']
  return direction === 'out' ? to : from
}

function cut(text: string, width: number): string {
  const line = clean(text)
  return line.length > width ? `${line.slice(0, width - 1)}~` : line
}

/** The whole message. */
export function drawMessage(screen: Screen, message: Message): string[] {
  const way = message.direction === 'out' ? 'to' : 'from'
  const title = `${exactMoment(message.at)}  ${way} ${laneOf(message)}  ${message.address}`
  const lines = message.text.split('\r\n').map(clean)
  return [screen.heading(title), ...lines.map((line) => `  ${line}`.trimEnd())]
}
