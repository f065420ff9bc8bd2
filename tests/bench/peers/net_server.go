// A line server as Go's standard library suggests it: one goroutine for each connection, buffered
// reading. Greets, and replies to each line as the gateway does. Prints its port.
package main

import (
	"bufio"
	"fmt"
	"net"
)

func serve(connection net.Conn) {
	defer connection.Close()
	connection.Write([]byte("测试成功!\n"))
	lines := bufio.NewReader(connection)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := connection.Write([]byte("收到的信息:" + line)); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(connection)
	}
}
