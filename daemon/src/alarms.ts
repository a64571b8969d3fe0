//! The registry of alarms. A code is stable for ever; `docs/alarms.md` is generated from here.

export type Severity = 'critical' | 'urgent' | 'not-urgent' | 'informative'

export interface AlarmEntry {
  readonly severity: Severity
  readonly text: string
  /** What it means for the controllers. */
  readonly effect: string
  /** What to do next. */
  readonly next: string
}

export const alarms = {
  'link-down': {
    severity: 'not-urgent',
    text: 'One link to the peer is silent.',
    effect: 'None on calls; the other links carry the pair.',
    next: 'Check the cable, the switch port and the address of the link named in the alarm.',
  },
  'links-down': {
    severity: 'urgent',
    text: 'Two or more links to the peer are silent.',
    effect: 'None on calls; one more failure ends the redundancy.',
    next: 'Repair the links named in the alarm.',
  },
  'peer-lost': {
    severity: 'critical',
    text: 'The peer is not heard on any link.',
    effect: 'Calls go on; there is no redundancy.',
    next: 'Run `vccs why`, then look at the other node.',
  },
  'peer-not-ready': {
    severity: 'urgent',
    text: 'The peer is heard but cannot serve.',
    effect: 'None on calls; there is no redundancy until it is ready.',
    next: 'Run `vccs status --node peer`, then read `vccs log` there.',
  },
  'peer-refused': {
    severity: 'critical',
    text: 'The peer has the name of this node; what it says is ignored.',
    effect: 'There is no redundancy, and both nodes may serve.',
    next: 'Give each node its own name in the node file and restart the one that is wrong.',
  },
  'tie-break-differs': {
    severity: 'not-urgent',
    text: 'The two node files name different rules for two equal nodes (pair.tieBreak).',
    effect: 'None on calls; both nodes go by the default rule, the larger address.',
    next: 'Write the same pair.tieBreak into both node files and restart the nodes, standby first.',
  },
  'role-held': {
    severity: 'urgent',
    text: 'The role changed twice within a minute and is held.',
    effect: 'None on calls: who serves goes on; the peer still serves if nobody else does.',
    next: 'Run `vccs why` on both nodes and end the cause; the hold ends a minute later by itself.',
  },
  paused: {
    severity: 'not-urgent',
    text: 'The pair is paused for maintenance: no role changes by itself.',
    effect: 'None on calls; if the node that serves fails, nobody takes over.',
    next: 'Run `vccs resume` when the maintenance is done.',
  },
  'nobody-serves': {
    severity: 'critical',
    text: 'No node serves, and this node does not take over because the pair is paused.',
    effect: 'Calls cannot be set up or changed; voice goes on where a node still sends it.',
    next: 'Run `vccs resume`, or `vccs failover` on this node.',
  },
  'one-way': {
    severity: 'urgent',
    text: 'The peer is heard on a link but does not hear this node on it.',
    effect: 'None on calls while another link works both ways.',
    next: 'Look for a filter, a duplex mismatch or a broken fibre on the link named in the alarm.',
  },
  'peer-incompatible': {
    severity: 'critical',
    text: 'The peer runs a version that this node cannot work with; what it says is not used.',
    effect: 'There is no redundancy. A node that starts does not serve while such a peer does.',
    next: 'Compare `vccs version` on both nodes and install the same version on both.',
  },
  'unit-restarted': {
    severity: 'urgent',
    text: 'A unit of this node died and was started again.',
    effect: 'Calls go on: if this node served, the peer took over.',
    next: 'Read `vccs log` for the reason; the alarm ends by itself after five minutes.',
  },
  'crash-loop': {
    severity: 'critical',
    text: 'A unit of this node dies again and again.',
    effect: 'If this node served, the peer took over; this node cannot be relied upon.',
    next: 'Read `vccs log` for the reason; compare version and configuration with the other node.',
  },
  'supervisor-lost': {
    severity: 'urgent',
    text: 'The supervisor of this node is dead; its units serve on without it.',
    effect: 'None on calls; a unit that dies now is not started again.',
    next: 'Run `systemctl restart vccsd` (or start vccsd again): it goes on with the units.',
  },
  'replication-late': {
    severity: 'urgent',
    text: 'A call was answered before the peer had confirmed its records.',
    effect: 'That call would have been lost had this node died in that moment.',
    next: 'Check the load of both nodes and the links.',
  },
  'replication-refused': {
    severity: 'urgent',
    text: 'Records do not reach the standby: it refuses them, or they are too long.',
    effect: 'What these records describe is lost when the primary dies.',
    next: 'Run the same version on both nodes; report it with `vccs log` of both.',
  },
  'memory-damaged': {
    severity: 'urgent',
    text: 'Records in the memory of this node are not what was written there.',
    effect: 'A standby has fetched them anew. On a primary the calls of these records may fail.',
    next: 'If this node is primary, run `vccs switchover`; then test its memory and restart it.',
  },
  'no-realtime': {
    severity: 'not-urgent',
    text: 'The media or pair unit has no real-time scheduling.',
    effect: 'Voice may stutter under load.',
    next: 'Give the service CAP_SYS_NICE or LimitRTPRIO (see etc/vccsd.service).',
  },
  'media-fallback': {
    severity: 'not-urgent',
    text: 'The media unit runs on its slower back end.',
    effect: 'Fewer legs fit on this node.',
    next: 'Read the reason in `vccs log`; install for a supported platform.',
  },
  'beacon-failed': {
    severity: 'not-urgent',
    text: 'The state beacon cannot be sent.',
    effect: 'None on calls; other computers of the site believe that no server works.',
    next: 'Check beacon.interface and the key file in the node file, then read `vccs log`.',
  },
  'drill-skipped': {
    severity: 'not-urgent',
    text: 'The scheduled drill was not made, because it would not have been safe.',
    effect: 'None; it is not known whether a switchover would work today.',
    next: 'Remove the reasons in the alarm, then run `vccs drill`.',
  },
  'drill-failed': {
    severity: 'urgent',
    text: 'The scheduled drill found something.',
    effect: 'A switchover now may cost calls.',
    next: 'Run `vccs op` with the number in the alarm, correct what it names, then run `vccs drill`.',
  },
  'database-recovered': {
    severity: 'urgent',
    text: 'The database was damaged or gone and was replaced by the last good copy or the peer.',
    effect: 'None on calls; what the peer has of newer changes comes back, others may be missing.',
    next: 'Run `vccs config diff` with your site file, then check the disk.',
  },
  'journal-failed': {
    severity: 'urgent',
    text: 'This node serves alone and cannot write its journal.',
    effect: 'None now; if the switch unit dies before a standby is in step, newer calls are lost.',
    next: 'Make room in the run directory, or start the peer; it is tried again every second.',
  },
  'row-sync-failed': {
    severity: 'urgent',
    text: 'A change of the configuration could not be made: its row was not there, or both nodes had changed it.',
    effect: 'The databases are equal again, with what the serving node had.',
    next: 'Run `vccs sync failures` on both nodes, and make a change again that is missing; it ends after an hour.',
  },
  'sip-flood': {
    severity: 'urgent',
    text: 'An address sends more SIP than this node takes from it; the rest is dropped.',
    effect: 'None on calls under way; telephones at that address may have to ask more than once.',
    next: 'Find the device with the address in the alarm; block it at the network if it is foreign.',
  },
  'trunk-down': {
    severity: 'urgent',
    text: 'The other system of a trunk does not answer.',
    effect: 'Calls to it go over the other trunks of their route, or are refused.',
    next: 'Check the other system, and the network to the address in the alarm.',
  },
  'transactions-full': {
    severity: 'urgent',
    text: 'This node has as many SIP transactions open as it can hold.',
    effect: 'New calls and registrations are refused, or end in silence.',
    next: 'Look for `sip-flood` in `vccs alarms`, and for terminals that do not answer in `vccs log`.',
  },
  'memory-low': {
    severity: 'urgent',
    text: 'A unit of this node has used most of its memory.',
    effect: 'None yet; if it grows, the unit ends, and the peer serves.',
    next: 'Compare the load with `memory` of the node file; look for a flood in `vccs log`.',
  },
  'database-gone': {
    severity: 'urgent',
    text: 'The file of the database was removed or replaced while it is in use.',
    effect: 'None on calls; what changes now is lost here when the switch unit ends.',
    next: 'Restart the node when its peer serves; it then takes everything from the peer.',
  },
  'disk-low': {
    severity: 'not-urgent',
    text: 'The disk of this node is nearly full.',
    effect: 'None yet.',
    next: 'Free space in the directory named in the alarm.',
  },
  'disk-full': {
    severity: 'urgent',
    text: 'The disk of this node is full.',
    effect: 'None on calls; term, configuration and call records are not kept here.',
    next: 'Free space in the directory named in the alarm; a primary has given its role to the peer.',
  },
  'disk-failed': {
    severity: 'urgent',
    text: 'A directory of this node cannot be written, or its disk does not answer.',
    effect: 'None on calls; what belongs there is not kept.',
    next: 'Check the disk, its mount options and the rights of the directory named in the alarm.',
  },
  'database-failed': {
    severity: 'urgent',
    text: 'The database cannot be read or written.',
    effect: 'None on calls; changes of the configuration and call records are not kept here.',
    next: 'Check the disk and the rights of the database file, then run `vccs sync-db`.',
  },
} as const satisfies Record<string, AlarmEntry>

export type AlarmCode = keyof typeof alarms

/** A raised or cleared alarm. `subject` tells several of one code apart, e.g. a link name. */
export interface AlarmChange {
  readonly code: AlarmCode
  readonly subject: string
  readonly active: boolean
  readonly detail: string
}
