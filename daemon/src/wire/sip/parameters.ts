//! Header parameters: `*( SEMI generic-param )` (RFC 3261 7.3.1, 25.1).
import { type Cursor, characterClass } from './scan.ts'

const none: ReadonlyMap<string, string | null> = new Map()

/** What was read. `complete` is false when the text after it is no parameter. */
interface ScannedParameters {
  readonly parameters: ReadonlyMap<string, string | null>
  readonly complete: boolean
}

/** Reads parameters as far as they go. Names in lower case, values as written: a quoted string keeps
 * its quotes, so that it is written back as one. A name that comes twice is refused (7.3.1). */
export function scanParameters(cursor: Cursor): ScannedParameters {
  if (!cursor.takeSeparator(';')) return { parameters: none, complete: true }
  const parameters = new Map<string, string | null>()
  do {
    const name = cursor.token().toLowerCase()
    if (name === '' || parameters.has(name)) return { parameters, complete: false }
    let value: string | null = null
    if (cursor.takeSeparator('=')) {
      value = cursor.peek() === 0x22 ? cursor.quoted() : cursor.run(characterClass.parameterValue)
      if (value === null || value === '') return { parameters, complete: false }
    }
    parameters.set(name, value)
  } while (cursor.takeSeparator(';'))
  return { parameters, complete: true }
}

/** Writes parameters. */
export function parametersText(parameters: ReadonlyMap<string, string | null>): string {
  let text = ''
  for (const [name, value] of parameters) text += value === null ? `;${name}` : `;${name}=${value}`
  return text
}
