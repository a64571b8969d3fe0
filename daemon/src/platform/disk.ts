//! What a directory has left, found out by asking and by writing: a file system that is full, broken or
//! mounted read-only says so at a write only. In the background, since a disk may take its time.
import { open, rm, stat, statfs } from 'node:fs/promises'

const probeBytes = 16_384
const probeName = '.vccs-probe'
const noSpaceCodes = ['ENOSPC', 'EDQUOT']

export interface DiskState {
  readonly freeBytes: number
  readonly totalBytes: number
  /** What a write said; null: it went well. */
  readonly failure: { readonly full: boolean; readonly text: string } | null
}

/** Nothing stays behind: the probe is removed before it reaches the disk. */
export async function lookAtDisk(directory: string): Promise<DiskState> {
  const failure = await probe(`${directory}/${probeName}`)
  try {
    const { bavail, bsize, blocks } = await statfs(directory)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, failure }
  } catch (error) {
    return { freeBytes: 0, totalBytes: 0, failure: failure ?? failureOf(error) }
  }
}

async function probe(path: string): Promise<DiskState['failure']> {
  try {
    const file = await open(path, 'w', 0o600)
    try {
      await file.writeFile(Buffer.alloc(probeBytes, 1))
    } finally {
      await file.close()
    }
    return null
  } catch (error) {
    return failureOf(error)
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}

function failureOf(error: unknown): DiskState['failure'] {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException
  return { full: noSpaceCodes.includes(code), text: message }
}

/** Tells whether a path still is the same file; null: it is not there. */
export async function fileIdentity(path: string): Promise<string | null> {
  try {
    // The number of a removed file is soon given to another one.
    const { dev, ino, birthtimeMs } = await stat(path)
    return `${dev}:${ino}:${birthtimeMs}`
  } catch {
    return null
  }
}
