// A line server as Node's net module suggests it. Greets, and replies to each line as the gateway
// does. Prints its port.
'use strict';
const net = require('net');

const server = net.createServer({noDelay: true}, (socket) => {
  let tail = '';
  socket.setEncoding('utf8');
  socket.write('测试成功!\n');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text) => {
    const lines = (tail + text).split('\n');
    tail = lines.pop();
    if (lines.length > 0) socket.write(lines.map((line) => `收到的信息:${line}\n`).join(''));
  });
});
server.listen({host: '127.0.0.1', port: 0, backlog: 4096}, () => {
  console.log(server.address().port);
});
