//! Records in a file of the node: one JSON object a line, the oldest first. A line that cannot be read,
//! e.g. of a later version, costs that record only.
import type { z } from 'zod'

export function writeRecords(records: readonly unknown[]): string {
  return records.map((one) => `${JSON.stringify(one)}\n`).join('')
}

/** @returns the records that fit, and how many lines did not. */
export function readRecords<T>(
  text: string,
  schema: z.ZodType<T>,
): { readonly records: T[]; readonly unreadable: number } {
  const lines = text.split('\n').filter((line) => line !== '')
  const records = lines.flatMap((line) => {
    const parsed = schema.safeParse(parseJson(line))
    return parsed.success ? [parsed.data] : []
  })
  return { records, unreadable: lines.length - records.length }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
