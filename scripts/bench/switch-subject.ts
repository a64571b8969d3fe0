//! The switch process that serves, alone on its core: the subject of the figures of calls and registrations.
import type { Lab } from '../lab.ts'
import type { LabNode } from '../lab-node.ts'
import type { LoadFigures } from './call-lab.ts'
import { cpuNs, pinToOtherCores, pinToSubjectCore } from './cores.ts'
import type { RateSubject } from './rates.ts'

interface Serving {
  readonly primary: LabNode
  /** Of its switch process. */
  readonly pid: number
}

type Load = (perSecond: number, count: number) => Promise<LoadFigures>

export class SwitchSubject implements RateSubject {
  readonly what: string
  readonly #lab: Lab
  readonly #load: Load
  #serving: Serving

  private constructor(what: string, lab: Lab, of: { serving: Serving; load: Load }) {
    this.what = what
    this.#lab = lab
    this.#serving = of.serving
    this.#load = of.load
  }

  static async in(lab: Lab, what: string, load: Load): Promise<SwitchSubject> {
    return new SwitchSubject(what, lab, { serving: await separate(lab), load })
  }

  /** Of the process that serves. */
  get pid(): number {
    return this.#serving.pid
  }

  load(perSecond: number, seconds: number): Promise<LoadFigures> {
    return this.#load(perSecond, perSecond * seconds)
  }

  cpuNs(): number {
    return cpuNs(this.#serving.pid)
  }

  async hasMoved(): Promise<boolean> {
    if ((await this.#lab.primary()) === this.#serving.primary) return false
    this.#serving = await separate(this.#lab)
    return true
  }
}

/** The nodes that run: the primary, and its standby if there is one. */
export async function runningNodes(lab: Lab): Promise<LabNode[]> {
  const primary = await lab.primary()
  const { mode } = await primary.status()
  return mode === 'redundant (1+1)' ? [primary, lab.other(primary)] : [primary]
}

/** The switch process that serves gets the core; all other processes of the nodes leave it. */
async function separate(lab: Lab): Promise<Serving> {
  const primary = await lab.primary()
  for (const node of await runningNodes(lab)) {
    for (const { pid } of (await node.opinion()).units) if (pid !== null) pinToOtherCores(pid)
  }
  const pid = await switchPid(primary)
  pinToSubjectCore(pid)
  return { primary, pid }
}

export async function switchPid(node: LabNode): Promise<number> {
  const { units } = await node.opinion()
  const pid = units.find((unit) => unit.unit === 'switch')?.pid
  if (pid === undefined || pid === null) throw new Error('the switch process is not known')
  return pid
}
