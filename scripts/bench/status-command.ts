//! Wall time of `vccs status` as a person waits for it, beside the floor of starting Node at all.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Lab } from '../lab.ts'
import { labUsers } from '../lab-site.ts'
import { type BenchContext, ratio, type Spread, spread } from './figures.ts'

const runs = 20
const warmUps = 3
const program = join(import.meta.dirname, '../../cli/bin/vccs')

export async function measureStatusCommand({ say }: BenchContext): Promise<object> {
  const lab = await Lab.start({ members: [], users: labUsers(1001, 2) })
  try {
    const node = await lab.primary()
    const status: number[] = []
    const floor: number[] = []
    const daemon: number[] = []
    for (let run = -warmUps; run < runs; run += 1) {
      const figures = {
        status: wallMs(program, ['status', '--socket', node.controlSocket]),
        floor: wallMs(process.execPath, ['-e', '0']),
        daemon: await answerMs(() => node.status()),
      }
      if (run < 0) continue
      status.push(figures.status)
      floor.push(figures.floor)
      daemon.push(figures.daemon)
    }
    return summary({ status: spread(status), floor: spread(floor), daemon: spread(daemon) }, say)
  } finally {
    await lab.close()
  }
}

function summary(
  figures: { status: Spread; floor: Spread; daemon: Spread },
  say: BenchContext['say'],
): object {
  const { status, floor, daemon } = figures
  const toFloor = ratio(status.median, floor.median)
  say(
    `vccs status: median ${status.median} ms (min ${status.min}), node -e 0: ${floor.median} ms ` +
      `(min ${floor.min}), ratio ${toFloor}; of it the daemon's answer ${daemon.median} ms`,
  )
  return {
    ...{ statusMs: status, nodeMs: floor, daemonAnswerMs: daemon },
    ratios: { toNode: toFloor, toNodeOfMinima: ratio(status.min, floor.min) },
  }
}

function wallMs(command: string, args: readonly string[]): number {
  const startMs = performance.now()
  const done = spawnSync(command, args, { encoding: 'utf8' })
  const tookMs = performance.now() - startMs
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`)
  return tookMs
}

async function answerMs(ask: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await ask()
  return performance.now() - startMs
}
