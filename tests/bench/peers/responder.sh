#!/bin/sh
# What socat runs for each connection: greets, and replies to each line as the gateway does.
echo '测试成功!'
while read -r line; do
  echo "收到的信息:$line"
done
