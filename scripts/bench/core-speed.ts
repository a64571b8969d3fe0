//! How evenly the machine gives the core of the subject. On a shared host a core that nothing else uses may run at
//! half of its speed for seconds: figures in milliseconds are those of such moments, too.
import { spawnSync } from 'node:child_process'
import { onSubjectCore } from './cores.ts'
import { ratio, type Spread, spread } from './figures.ts'

/** The same sum again and again, some 10 ms each, for about 2 s; prints how long each took. The first ones are compiled. */
const sums = `
  const took = []
  for (let turn = 0; turn < 120; turn++) {
    const from = performance.now()
    let sum = 0
    for (let at = 0; at < 6e6; at++) sum += at % 7
    took.push(performance.now() - from, sum && 0)
  }
  console.log(took.filter((ms) => ms > 0).slice(20).join(' '))`

/** Milliseconds of one sum. */
export function sumTimes(): Spread {
  const [command = '', ...args] = [...onSubjectCore, process.execPath, '-e', sums]
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return spread(stdout.trim().split(' ').map(Number))
}

/** 1: a core that is always as fast as in its best moment. */
export function evenness({ min, median }: Spread): number {
  return ratio(min, median)
}
