//! A stage with other systems: trunks and routes, and a telephone that plays each of them.
import type { Plan, RoutePlan, TrunkPlan } from '../../src/switching/plan.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { Phone, Stage } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

export function trunk(name: string, more: Partial<TrunkPlan> = {}): TrunkPlan {
  return {
    name,
    displayName: '',
    peer: { address: '10.0.2.1', port: 5060 },
    account: null,
    trust: 'address',
    login: null,
    capacity: 4_096,
    optionsSeconds: 0,
    responseSeconds: 4,
    classes: [],
    priorityMax: 'normal',
    monitor: false,
    outgoing: { called: [], caller: [] },
    incoming: { called: [], caller: [] },
    ...more,
  }
}

export function route(name: string, more: Partial<RoutePlan>): RoutePlan {
  return {
    name,
    pattern: '7.',
    priority: 50,
    class: '',
    trunks: [],
    failOver: ['5xx', 'no-answer', 'lost', 'capacity'],
    ...more,
  }
}

/** Two ways to one system, and a third one to another. */
export const sitePlan: Plan = {
  ...emptyPlan,
  trunks: [
    trunk('b-1', {
      capacity: 1,
      outgoing: {
        called: [{ from: '7', to: '' }],
        caller: [{ from: '', to: '3' }],
      },
      incoming: {
        called: [{ from: '3', to: '' }],
        caller: [{ from: '', to: '7' }],
      },
    }),
    trunk('b-2', { peer: { address: '10.0.2.2', port: 5080 } }),
    trunk('far', { peer: { address: '10.0.2.3', port: 5060 }, classes: ['through'] }),
  ],
  routes: [
    route('b', { pattern: '7XXXX', trunks: ['b-1', 'b-2'] }),
    route('out', { pattern: '0.', trunks: ['far'], class: 'outside' }),
    route('on', { pattern: '9.', trunks: ['b-2'], class: 'through' }),
  ],
}

/** Who plays another system, by the last part of its address. */
export function peerOf(stage: Stage, last: number): Phone {
  const key = `peer-${last}`
  const there = stage.phones.get(key)
  if (there !== undefined) return there
  const peer = new Phone(stage, `peer${last}`, { address: `10.0.2.${last}`, port: 5060 })
  stage.phones.set(key, peer)
  return peer
}

export function trunkStage(plan: Plan = sitePlan): Stage {
  const stage = new Stage({ plan })
  for (const last of [1, 2, 3]) peerOf(stage, last)
  return stage
}

/** The account may use these classes. */
export function allow(stage: Stage, number: string, trunkClasses: string[]): void {
  changeProfile(stage, number, { rights: { trunkClasses } })
}
