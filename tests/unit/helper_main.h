#ifndef NEUROND_TESTS_UNIT_HELPER_MAIN_H
#define NEUROND_TESTS_UNIT_HELPER_MAIN_H

#include <string_view>

namespace neuron {

/// Helpers are this program in another role, and in a test this program is the tests'.
/// What `--helper=ROLE` runs; set before main() by the tests of the module that has it.
extern int (*helper_main)(std::string_view role);

}  // namespace neuron

#endif
