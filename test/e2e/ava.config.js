//! End-to-end tests: real daemons and phones in network namespaces. `scripts/e2e.ts` runs them all.
import './prepare.ts'

export default {
  files: ['test/e2e/**/*.test.ts'],
  extensions: ['ts'],
  // Unless it is said otherwise: figures of two labs on one machine disturb each other.
  concurrency: 1,
  serial: true,
  // Threads do not get signals, and a lab must be removed on Ctrl-C.
  workerThreads: false,
  timeout: '3m',
}
