import fastify from 'fastify'
import autocannon from 'autocannon'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { spawn } from 'node:child_process'
const v = process.argv[2]
const body = {success:true,data:Array.from({length:5},(_, i)=>({id:i,name:'Laptop 14',price:1299,description:'Fourteen inches, 16 GB of memory, 512 GB SSD',stock:10,date_creation:'2026-11-21 04:15:49'})),count:5}
let app
if (v.startsWith('bare')) { app = fastify() } else {
  const { createApp } = await import('../src/platform/http/app.ts')
  const { createLogger } = await import('../src/platform/log.ts')
  app = await createApp({ log: createLogger('warn'), trustedProxies: [], corsOrigins: v.includes('nocors')?[]:[/^http:\/\/localhost/], onError: (e)=>{throw e}, rawFailure: ()=>({}) })
  if (v.includes('metrics')) { const { createMetrics } = await import('../src/platform/http/metrics.ts'); createMetrics().observe(app) }
}
const text = JSON.stringify(body)
if (v.includes('text')) app.get('/', async (q, r) => r.type('application/json; charset=utf-8').send(text))
else app.get('/', async () => body)
await app.listen({port:0,host:'127.0.0.1'})
const port = app.server.address().port
const run = (d) => new Promise(r => { const c = spawn('autocannon', ['-c','16','-d',String(d),'-j',`http://127.0.0.1:${port}/`], {stdio:['ignore','pipe','ignore']}); let o=''; c.stdout.on('data',x=>o+=x); c.on('close',()=>r(JSON.parse(o).requests.total)) })
await run(1)
const a = process.cpuUsage(); const n = await run(3); const b = process.cpuUsage(a)
console.log(v.padEnd(20), (n/3).toFixed(0)+'/s', ((b.user+b.system)/n).toFixed(1)+' us/req', 'user', (b.user/n).toFixed(1))
process.exit(0)
