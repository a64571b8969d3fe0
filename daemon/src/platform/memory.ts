//! What this process uses of its memory.
import { getHeapSpaceStatistics } from 'node:v8'
import { limits } from '../limits.ts'

const mebibyte = 1_048_576
/** Objects that were just made are bounded for themselves; the rest of the heap is what can run out. */
const youngSpaces = /^new_|^read_only_|^shared_/

/** @param heapMiB bound of the heap as Node was told (`--max-old-space-size`). */
export function memoryUse(heapMiB: number) {
  const heapBytes = getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !youngSpaces.test(name))
    .reduce((sum, space) => sum + space.space_used_size, 0)
  const heapBytesMax = heapMiB * mebibyte
  return {
    heapBytes,
    heapBytesMax,
    processBytes: process.memoryUsage.rss(),
    processBytesMax: 2 * heapBytesMax + limits.processMiBBeside * mebibyte,
  }
}
