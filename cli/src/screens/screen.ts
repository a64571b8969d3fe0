//! How screens are drawn: glyph and word, tables, wrapped lines; 80 columns, ASCII when it must be.

export type Tone = 'good' | 'warning' | 'bad' | 'unknown' | 'plain' | 'faint'

/** A piece of text with a meaning; the glyph says it without colour. */
export interface Cell {
  readonly text: string
  readonly tone: Tone
}

const glyphs: Record<Tone, readonly [unicode: string, ascii: string]> = {
  good: ['●', '*'],
  warning: ['▲', '!'],
  bad: ['✖', 'x'],
  unknown: ['?', '?'],
  plain: ['', ''],
  faint: ['', ''],
}
const colours: Partial<Record<Tone, string>> = {
  good: '32',
  warning: '33',
  bad: '31',
  unknown: '90',
  faint: '90',
}
/** C0, C1, DEL, line separators, and marks that turn the direction of a line. */
const controlBytes = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

export class Screen {
  readonly columns: number
  readonly #colour: boolean
  readonly #unicode: boolean

  constructor(look: { colour: boolean; unicode: boolean; columns: number }) {
    this.columns = look.columns
    this.#colour = look.colour
    this.#unicode = look.unicode
  }

  /** `● up` */
  mark(tone: Tone, word: string): Cell {
    const glyph = glyphs[tone][this.#unicode ? 0 : 1]
    return { text: glyph === '' ? word : `${glyph} ${word}`, tone }
  }

  get arrow(): string {
    return this.#unicode ? '→' : '->'
  }

  paint({ text, tone }: Cell): string {
    const colour = colours[tone]
    return this.#colour && colour !== undefined ? `\u001b[${colour}m${text}\u001b[0m` : text
  }

  heading(text: string): string {
    return this.#colour && text !== '' ? `\u001b[1m${text}\u001b[0m` : text
  }

  /** Columns as wide as their content, three blanks between; the last one is cut to the width. */
  table(head: readonly string[], rows: readonly (readonly (string | Cell)[])[]): string[] {
    const cells = rows.map((row) => row.map(toCell))
    const gap = 2
    const widths = head.map((title, column) =>
      Math.max(title.length, ...cells.map((row) => row[column]?.text.length ?? 0)),
    )
    this.#shrink(widths, gap)
    const titles = head
      .map((title, column) => fit(title, widths[column] ?? 0))
      .join(' '.repeat(gap))
    const lines = cells.map((row) =>
      row
        .map(({ text, tone }, column) => this.paint({ text: fit(text, widths[column] ?? 0), tone }))
        .join(' '.repeat(gap))
        .trimEnd(),
    )
    return [this.heading(titles.trimEnd()), ...lines]
  }

  /** Takes from the widest column until the table fits. */
  #shrink(widths: number[], gap: number): void {
    const total = () => widths.reduce((sum, width) => sum + width + gap, -gap)
    while (total() > this.columns) {
      const widest = widths.indexOf(Math.max(...widths))
      const width = widths[widest] ?? 0
      if (width <= 4) return
      widths[widest] = width - 1
    }
  }

  /** `LABEL    piece   piece`, broken between pieces, never inside one that fits. */
  line(label: string, pieces: readonly (string | Cell)[], indent = 9): string[] {
    const lines: string[] = []
    let current = this.heading(label) + ' '.repeat(Math.max(1, indent - label.length))
    let width = Math.max(label.length + 1, indent)
    let empty = true
    for (const piece of pieces.map(toCell)) {
      if (!empty && width + 3 + piece.text.length > this.columns) {
        lines.push(current)
        current = ' '.repeat(indent)
        width = indent
        empty = true
      }
      current += (empty ? '' : '   ') + this.paint(piece)
      width += (empty ? 0 : 3) + piece.text.length
      empty = false
    }
    return [...lines, current.trimEnd()]
  }

  /** Running text, broken between words; later lines are indented. */
  text(text: string, indent = 0, tone: Tone = 'plain'): string[] {
    return this.#wrap(text, { first: 0, indent }).map(
      (line, at) => ' '.repeat(at === 0 ? 0 : indent) + this.paint({ text: line, tone }),
    )
  }

  /** Running text behind a label: `  because   no heartbeat ...`. */
  labelled(label: string, text: string, indent = 12): string[] {
    const head = `${label} `.padEnd(indent)
    return this.#wrap(text, { first: head.length, indent }).map(
      (line, at) => (at === 0 ? head : ' '.repeat(indent)) + line,
    )
  }

  #wrap(text: string, { first, indent }: { first: number; indent: number }): string[] {
    const lines: string[] = []
    let current = ''
    for (const word of clean(text).split(' ')) {
      const prefix = lines.length === 0 ? first : indent
      if (current !== '' && prefix + current.length + 1 + word.length > this.columns) {
        lines.push(current)
        current = word
      } else current += current === '' ? word : ` ${word}`
    }
    return [...lines, current]
  }
}

function toCell(piece: string | Cell): Cell {
  if (typeof piece !== 'string') return { ...piece, text: clean(piece.text) }
  return { text: clean(piece), tone: 'plain' }
}

/** Names and reasons come from outside; they must not move the cursor. */
export function clean(text: string): string {
  return text.replace(controlBytes, '?')
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}~` : text.padEnd(width)
}
