//! A disk of a few megabytes that a test can fill: a memory file system mounted on a directory.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './cleanup.ts'

const chunkBytes = 4_096

export class SmallDisk {
  readonly directory: string
  readonly #filler: string
  readonly #forget: () => void

  constructor(directory: string, bytes: number) {
    this.directory = directory
    this.#filler = join(directory, 'filler')
    mkdirSync(directory, { recursive: true })
    const { status, stderr } = mount(directory, bytes)
    if (status !== 0) throw new Error(`mount: ${stderr.toString()}`)
    this.#forget = atExit(() => this.#unmount())
  }

  /** Fills it until so many bytes are left. */
  fill(leaveBytes: number): void {
    const fd = openSync(this.#filler, 'a')
    const chunk = Buffer.alloc(chunkBytes, 1)
    try {
      while (this.freeBytes > leaveBytes) writeSync(fd, chunk)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(fd)
    }
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize
  }

  /** Removes what `fill` has written. */
  free(): void {
    rmSync(this.#filler, { force: true })
  }

  close(): void {
    this.#forget()
    this.#unmount()
  }

  #unmount(): void {
    spawnSync('umount', ['--lazy', this.directory])
  }
}

function mount(directory: string, bytes: number) {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'vccs-lab', directory])
}

/** @returns why no disk can be mounted here, or null. */
export function noSmallDisk(): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-disk-'))
  try {
    new SmallDisk(directory, 65_536).close()
    return null
  } catch (error) {
    return String(error)
  } finally {
    rmdirSync(directory)
  }
}
