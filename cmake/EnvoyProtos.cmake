# Target envoy_protos: the Envoy API as C++ messages, e.g. "envoy/config/listener/v3/listener.pb.h".
#
# The code comes from the pinned xds-protos wheel (tools/requirements-protos.txt) for the files in
# tools/protos.txt. It is built once per machine by tools/build_protos.py and shared by all build
# trees, so this file only imports the result; the first configuration takes some minutes.
# A field named `requires` is called `requires_` here (see tools/dump_protos.py).
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(KGW_GXX NAMES g++ REQUIRED)
set(kgw_proto_inputs tools/protos.txt tools/requirements-protos.txt tools/dump_protos.py
                     tools/build_protos.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${kgw_proto_inputs})
execute_process(
  COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/build_protos.py" --cxx "${KGW_GXX}"
          --protoc "${Protobuf_PROTOC_EXECUTABLE}"
  OUTPUT_VARIABLE KGW_PROTOS_DIR OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
message(STATUS "Envoy API: ${KGW_PROTOS_DIR}")

add_library(envoy_protos STATIC IMPORTED GLOBAL)
set_target_properties(envoy_protos PROPERTIES
  IMPORTED_LOCATION "${KGW_PROTOS_DIR}/lib/libenvoy_protos.a"
  INTERFACE_INCLUDE_DIRECTORIES "${KGW_PROTOS_DIR}/include"
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${KGW_PROTOS_DIR}/include"
  INTERFACE_LINK_LIBRARIES "protobuf::libprotobuf;gRPC::grpc++")
