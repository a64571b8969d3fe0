//! Does nothing but sleep for some ms again and again, and prints each time it was woken too late: a
//! witness of how long this machine let nobody run. Started with the priority to be watched.
//! Usage: node sleeper.ts
const sleepMs = 4
const lateMsMin = 12

const cell = new Int32Array(new SharedArrayBuffer(4))
process.stdout.write('watching\n')
for (;;) {
  const fromMs = performance.now()
  Atomics.wait(cell, 0, 0, sleepMs)
  const lateMs = performance.now() - fromMs - sleepMs
  if (lateMs >= lateMsMin) process.stdout.write(`${Date.now()} ${lateMs.toFixed(1)}\n`)
}
