//! The nearest word to a mistyped one.

/** @returns the known word with the smallest distance, of those that begin like it the shortest, or null when
 * none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const isBeginning = candidate.startsWith(word) && word.length > 1
    const found = isBeginning ? 1 : distance(word, candidate)
    const isShorter = found === bestDistance && candidate.length < (best?.length ?? 0)
    if (found < bestDistance || (isBeginning && isShorter)) {
      best = candidate
      bestDistance = found
    }
  }
  return best
}

/** Levenshtein: insertions, deletions and replacements. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
