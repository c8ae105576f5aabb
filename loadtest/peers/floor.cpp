// Operations that the kernel does in one pass over a file of shapes, by kind:
//
//     floor FOLDER MIX N DTYPE
#include "counting.hpp"
#include "kernel.hpp"
#include "peer.hpp"

namespace {

template <class T>
void draw(const std::string& folder, const peer::Request& request) {
    const peer::Shapes<T> shapes(folder, request);
    std::vector<T> out(request.n);
    const betadist::Columns<T> columns{shapes.alpha.data(), shapes.beta.data(), nullptr};
    betadist::draw<counting::Counting<T>>(columns, {1, 255}, 0, request.n, out.data());
}

}  // namespace

int main(int, char** arguments) {
    const peer::Request request{arguments[2], arguments[4], std::stoul(arguments[3]), 0};
    (request.dtype == "float32" ? draw<float> : draw<double>)(arguments[1], request);
    for (int kind = 0; kind < counting::KINDS; ++kind) {
        std::printf("%s %llu\n", counting::names[kind],
                    static_cast<unsigned long long>(counting::counts[kind]));
    }
}
