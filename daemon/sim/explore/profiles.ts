//! What is explored. The events of one profile can be mixed in every way; faults of different kinds meet
//! in the last one, which does not reach as deep.
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
const network = ['kill', 'cut-all', 'delay', 'duplicate'] as const

/** A good half of a minute. */
export const profiles: readonly Profile[] = [
  deaths,
  links,
  stands,
  pauses,
  profile('datagrams late and twice', [...network, 'switchover']),
  profile(
    'everything',
    [
      ...(['kill', 'pair', 'unit', 'stand', 'stop', 'switchover', 'failover', 'pause'] as const),
      ...(['cut-one', 'cut-all', 'one-way', 'delay', 'duplicate'] as const),
    ],
    4,
  ),
]

/** For every run of the tests. */
export const quickProfiles: readonly Profile[] = [
  deaths,
  links,
  stands,
  pauses,
  profile('datagrams late and twice', network),
]
