<?php
// The blocking loop that the gateway grew from: greet, read once, reply, close; one client at a
// time. Prints its port.
$server = stream_socket_server('tcp://127.0.0.1:0', $code, $message,
    STREAM_SERVER_BIND | STREAM_SERVER_LISTEN,
    stream_context_create(['socket' => ['backlog' => 4096]]));
if ($server === false) {
    fwrite(STDERR, "$message\n");
    exit(71);
}
echo substr(strrchr(stream_socket_get_name($server, false), ':'), 1), "\n";
while (true) {
    $client = stream_socket_accept($server, -1);
    if ($client === false) {
        continue;
    }
    fwrite($client, "测试成功!\n");
    $message = fread($client, 8192);
    fwrite($client, '收到的信息:' . rtrim($message, "\r\n") . "\n");
    fclose($client);
}
