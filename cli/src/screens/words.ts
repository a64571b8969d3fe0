//! Durations, times and counts as people read them.

/** `84 ms`, `14 s`, `3 min`, `5 h 12 min`, `12 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A measured time that may be far below a millisecond. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return 'unknown'
  return `${Math.abs(ms) < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

/** `2026-03-02 09:14:07Z` */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`
}

/** `2026-03-02 09:14:07.412Z` */
export function exactMoment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}Z`
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
