#ifndef NEUROND_CONF_CHECK_DOWNSTREAM_H
#define NEUROND_CONF_CHECK_DOWNSTREAM_H

#include <string_view>

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// The rules of a [downstream NAME] section.
void check_downstream(const Section& section, Files& files, Diagnostics& diagnostics);

/// True for variables that change what a program loads or runs (LD_PRELOAD, PATH,
/// NODE_OPTIONS, …), compared without case.
bool is_dangerous_variable(std::string_view name);

}  // namespace neuron::conf

#endif
