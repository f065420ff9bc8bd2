#include <chatgate/service/cli.h>

int main(int argc, char** argv) { return chatgate::service::run_command_line(argc, argv); }
