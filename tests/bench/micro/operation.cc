#include "operation.h"

namespace chatgate::bench {

std::vector<Operation> all_operations() {
  std::vector<Operation> all;
  for (const auto& part :
       {protocol_operations(), net_operations(), telemetry_operations(), admission_operations()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace chatgate::bench
