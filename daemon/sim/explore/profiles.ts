//! What is explored. The events of one profile can be mixed in every way; faults of all kinds meet in the
//! last and in `three`: the one does not reach as deep, the other bounds how many are begun.
import type { Kind, Profile } from './actions.ts'

const deep = 9

const profile = (name: string, kinds: readonly Kind[], depth = deep): Profile => ({
  name,
  kinds,
  depth,
})

const deaths = profile('deaths and orders', [
  'kill',
  'pair',
  'unit',
  'stop',
  'switchover',
  'cut-all',
])
const links = profile('links', ['kill', 'cut-one', 'cut-all', 'one-way', 'switchover'])
const stands = profile('stand-stills', ['kill', 'stand', 'cut-all', 'switchover'])
const pauses = profile('pauses', ['kill', 'stop', 'pause', 'failover', 'switchover'])
/** What is in flight meets every way in which a node goes and comes. */
const late = profile('datagrams late and twice', [
  'kill',
  'stop',
  'cut-all',
  'delay',
  'duplicate',
  'switchover',
])
const all: readonly Kind[] = [
  ...(['kill', 'pair', 'unit', 'stand', 'stop', 'switchover', 'failover', 'pause'] as const),
  ...(['cut-one', 'cut-all', 'one-way', 'delay', 'duplicate'] as const),
]
/** Three of nine may begin a fault, or be an order; the others end one, let a datagram arrive, or let
 * time pass. With four, or with more than four events of which each may, it takes minutes. */
const three = { ...profile('everything, three begun', all), begunMax: 3 }

/** Within a minute, for every run of the tests. */
export const deepProfiles: readonly Profile[] = [deaths, links, stands, pauses, late, three]

/** A minute and more. */
const lateOnLinks = profile('late and twice, links one by one', [...late.kinds, 'cut-one'])

export const profiles: readonly Profile[] = [
  ...deepProfiles,
  lateOnLinks,
  profile('everything', all, 4),
]
