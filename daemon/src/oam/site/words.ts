//! The kinds of text that the sections of a site file are made of.
import { z } from 'zod'

/** Numbers may be written without quotes. */
export const text = (lengthMax: number) =>
  z
    .union([z.string(), z.number()], 'must be text')
    .transform(String)
    .pipe(z.string().max(lengthMax))

const oneWord = /^[^\s"<>@/.\\]+$/
const oneWordText = 'must be one word without @ / . " < >'

export const word = (lengthMax: number) =>
  text(lengthMax).pipe(z.string().regex(oneWord, oneWordText))

/** Keys are checked with the same rules as the text they stand for. */
export const keyOf = (lengthMax: number) => z.string().max(lengthMax).regex(oneWord, oneWordText)

export const displayName = text(128).default('')
export const number = word(64)

/** What can be dialled. */
export const digits = (lengthMax: number) =>
  text(lengthMax).pipe(z.string().regex(/^[0-9*#+]+$/, 'must be digits, * # or +'))

export const section = <S extends z.ZodType>(key: z.ZodType<string, string>, value: S) =>
  z.record(key, value).default({})

/** As `section`, but not longer than this. */
export const shortSection = <S extends z.ZodType>(value: S, sizeMax: number) =>
  section(keyOf(32), value).refine(
    (entries) => Object.keys(entries).length <= sizeMax,
    `at most ${sizeMax} of them`,
  )

/** A problem of the site that one value alone cannot tell. */
export interface SiteFault {
  readonly path: readonly PropertyKey[]
  readonly text: string
}

/** Rows hold text and whole numbers only. */
export type SiteRow = Readonly<Record<string, string | number>>

export function textOf(row: SiteRow, column: string): string {
  return String(row[column] ?? '')
}
