#ifndef NEUROND_CLI_HOST_CATALOG_H
#define NEUROND_CLI_HOST_CATALOG_H

#include <vector>

#include "neurond/cli/host_tools.h"

namespace neuron {

/// The tools of the bundled server with their schemas, in the order of tools/list.
const std::vector<HostTool>& host_catalog();

}  // namespace neuron

#endif
