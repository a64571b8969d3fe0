//! The processes of a node: when one counts as dead, its memory, its disks, its bus.
export const unitLimits = {
  /** A unit that has given no sign of life to the supervisor for this long is ended and started anew; the
   * peer serves long before. */
  unitHangMsMax: 5_000,
  /** ... and one that gives none from its start on. */
  unitStartMsMax: 60_000,
  /** A switch unit that outlived its pair unit speaks to the next one in a part of this time. */
  ownSwitchMsMax: 500,
  /** So many deaths in quick succession are a crash loop. */
  crashLoopDeaths: 3,
  /** Bounds of the heaps of the units, unless the node file says otherwise. */
  switchHeapMiB: 1_024,
  mediaHeapMiB: 256,
  pairHeapMiB: 128,
  /** A unit that uses this share of its memory says so, and above the second one gives the role away.
   * V8 itself ends a process that uses over 80 % when four collections in a row took most of its time.
   * The whole process may use the bound of its heap twice, and what every process needs. */
  memoryLowShare: 0.75,
  memoryFullShare: 0.85,
  processMiBBeside: 256,
  /** Memory is looked at this often, and this often when it is low: a flood of requests fills the rest of a
   * small heap within a second. What is used in each of so many looks is no garbage: V8 collects
   * before it uses more than half of what was free after the last collection. */
  memoryLookMs: 100,
  memoryLookLowMs: 20,
  memoryLooks: 4,
  /** The directories of a node are looked at this often; a look that takes the second time has failed. */
  diskLookMs: 2_000,
  diskHangMs: 4_000,
  /** Threads of the switch for work on files. A disk that answers nothing holds one for each thing that is under
   * way there, and each of these is one at a time: looks at four directories and at the database file, two kept
   * files, two connections to databases, the log, a report. What is on another disk finds one that is free. */
  fileThreads: 16,
  /** Free space, the smaller of bytes and share, below which a disk is low, and full. */
  diskLowBytes: 268_435_456,
  diskLowShare: 0.1,
  diskFullBytes: 4_194_304,
  diskFullShare: 0.01,
  /** A node that cannot keep what it must offers its role to the peer this often. */
  diskStepDownMs: 60_000,
  /** Lines of the log that cannot be written are held up to this. */
  logBytesHeldMax: 1_048_576,
  /** Reach mode `floating`: the primary says again whose the service address is, so that a switch or a
   * host that missed it learns it; and it answers a wrong claim not more often than this. */
  arpAnnounceMs: 1_000,
  arpDefendMs: 200,
  /** A conference-set of `legsMax` legs with two maps each. */
  busFrameBytesMax: 4_194_304,
  /** A unit that leaves more than this unread is cut off its bus. */
  busQueueBytesMax: 8_388_608,
} as const
