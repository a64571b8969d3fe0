//! What is different between two JSON values, place by place. The journal writes that of a record instead of all of
//! it: a call changes its session a dozen times, a few fields of some hundred each time. Pure.

/** A place (keys and indexes from the outside in; none: the whole value) and what is there now; without a value: the
 * field is gone. */
export type Difference = readonly [place: readonly Step[], value?: unknown]
type Step = string | number

/** What makes `after` of `before`. Parts that both share are not looked into. */
export function differencesOf(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = []
  compare(before, after, { place: [], found })
  return found
}

interface Comparison {
  readonly place: readonly Step[]
  readonly found: Difference[]
}

function compare(before: unknown, after: unknown, { place, found }: Comparison): void {
  if (Object.is(before, after)) return
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, item] of after.entries()) {
      if (item !== before[index]) compare(before[index], item, { place: [...place, index], found })
    }
  } else if (isFields(before) && isFields(after)) compareFields(before, after, { place, found })
  else found.push([place, after])
}

function compareFields(before: Fields, after: Fields, { place, found }: Comparison): void {
  let onlyBefore = 0
  for (const key in after) {
    const value = after[key]
    onlyBefore -= 1
    if (before[key] === value && value !== undefined) continue
    const isNew = !Object.hasOwn(before, key)
    if (isNew) onlyBefore += 1
    if (value === undefined) found.push([[...place, key]])
    else if (isNew) found.push([[...place, key], value])
    else compare(before[key], value, { place: [...place, key], found })
  }
  for (const _key in before) onlyBefore += 1
  if (onlyBefore === 0) return
  for (const key in before) if (!Object.hasOwn(after, key)) found.push([[...place, key]])
}

/** The value after these differences. Where one is at a place that the value does not have, what should have it becomes
 * undefined, so that no record comes of it. */
export function withDifferences(value: unknown, differences: readonly Difference[]): unknown {
  return differences.reduce<unknown>(
    (there, [place, ...values]) => changed(there, place, values),
    value,
  )
}

/** @param values one, or none for a field that goes */
function changed(value: unknown, place: readonly Step[], values: readonly unknown[]): unknown {
  const [step, ...rest] = place
  if (step === undefined) return values[0]
  if (Array.isArray(value)) {
    const isThere = typeof step === 'number' && step in value
    return isThere ? value.with(step, changed(value[step], rest, values)) : undefined
  }
  if (!isFields(value) || typeof step !== 'string') return undefined
  const { [step]: present, ...others } = value
  if (rest.length === 0 && values.length === 0) return others
  return { ...others, [step]: changed(present, rest, values) }
}

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
