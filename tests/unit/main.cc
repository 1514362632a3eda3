// The unit tests' main: doctest's own, plus the one line that tests/check.sh adds up, and
// the role of a helper.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "helper_main.h"

namespace neuron {

int (*helper_main)(std::string_view role) = nullptr;

}  // namespace neuron

namespace {

constexpr std::string_view kHelperOption = "--helper=";

/// Prints "N passed, N failed", counted in test cases, after everything else.
struct Tally : doctest::IReporter {
    explicit Tally(const doctest::ContextOptions&) {}

    void test_run_end(const doctest::TestRunStats& run) override {
        const unsigned failed = run.numTestCasesFailed;
        std::printf("%u passed, %u failed\n", run.numTestCasesPassingFilters - failed,
                    failed);
    }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    /// Without exceptions doctest goes on behind a REQUIRE that does not hold.
    void log_assert(const doctest::AssertData& data) override {
        if (data.m_failed && (data.m_at & doctest::assertType::is_require) != 0) {
            std::printf("%s:%d: REQUIRE( %s ) does not hold: end of all tests\n",
                        data.m_file, data.m_line, data.m_expr);
            std::fflush(stdout);
            std::_Exit(1);
        }
    }
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

DOCTEST_REGISTER_LISTENER("tally", 1, Tally);

int main(int argc, char** argv) {
    const std::string_view option(argc == 2 ? argv[1] : "");
    if (neuron::helper_main != nullptr &&
        option.substr(0, kHelperOption.size()) == kHelperOption) {
        return neuron::helper_main(option.substr(kHelperOption.size()));
    }
    doctest::Context context(argc, argv);
    return context.run();
}
